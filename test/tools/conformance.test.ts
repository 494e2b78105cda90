import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { page, type Stored, type StoredTest, skipClass } from '../../tools/conformance-page.ts';
import { type Selftests, selftestSection } from '../../tools/selftests-page.ts';

const histogram = (text: string) => ({
  runs: 5,
  states: [{ text, holds: true, count: 5 }],
  filtered: 0,
  disturbed: 0,
  problem: null,
  skip: null,
  cut: null,
});

const one = (test: string, more: Partial<StoredTest>): StoredTest => ({
  test,
  file: `${test}.litmus`,
  hash: test,
  ...more,
});

const kernel = (
  version: string,
  tests: readonly StoredTest[],
  more: Partial<Stored> = {},
): Stored => ({
  name: version,
  release: `${version}-x`,
  version,
  kernel: '6.1',
  machine: 'QEMU',
  day: '2026-11-21',
  failure: null,
  notes: [],
  tests,
  ...more,
});

const AGREES = one('a', { histogram: histogram('0:r0=1;'), verdict: 'agrees' });
const DISAGREES = one('b', {
  histogram: histogram('0:r0=2;'),
  verdict: 'disagrees',
  forbidden: ['0:r0=2;'],
});
const SKIPPED = one('c', {
  skipped: 'get_user_pages(): only the kernel itself can make this call',
});

describe('docs/conformance.md', () => {
  test('is the page of the stored results (else: node tools/conformance.ts --page)', () => {
    const folder = new URL('../../docs/conformance/', import.meta.url);
    const stored = readdirSync(folder)
      .filter((n) => n.endsWith('.json'))
      .map((n) => JSON.parse(readFileSync(new URL(n, folder), 'utf8')) as Stored);
    const selftests = JSON.parse(
      readFileSync(new URL('selftests/host.json', folder), 'utf8'),
    ) as Selftests;
    expect(readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8')).toBe(
      page(stored, undefined, selftestSection(selftests)),
    );
  });

  test('counts, by kernel, in the order of their versions', () => {
    const text = page([kernel('6.12.1', [AGREES]), kernel('6.2.1', [AGREES, DISAGREES, SKIPPED])]);
    const rows = text.split('\n').filter((l) => l.includes('-x |'));
    expect(rows).toEqual([
      '| 6.2.1-x | 6.1 | QEMU | 2026-11-21 | 2 | 2 | 1 | 1 | 0 | 0 | 1 |',
      '| 6.12.1-x | 6.1 | QEMU | 2026-11-21 | 1 | 1 | 1 | 0 | 0 | 0 | 0 |',
    ]);
    expect(text).toContain('| b | ✗ |  |');
    expect(text).toContain('| a | ✓ | ✓ |');
  });

  test('a disagreement without a reason is said to be unexplained; with one, the reason stands beside it', () => {
    const all = [kernel('6.2.1', [DISAGREES])];
    expect(page(all, [])).toContain(
      '| 6.2.1 | b | 5×`0:r0=2;` | `0:r0=2;` | **not explained yet** |',
    );
    const reason = { test: 'b', kernels: ['6.2.1'], reason: 'because' };
    expect(page(all, [reason])).toContain('| because |');
    expect(page(all, [{ ...reason, kernels: ['6.3.1'] }])).toContain('not explained yet');
  });

  test('a kernel that did not boot is reported, and is no row', () => {
    const text = page([kernel('6.3.1', [SKIPPED], { failure: 'Kernel panic' })]);
    expect(text).toContain('- 6.3.1: Kernel panic');
    expect(text).not.toContain('6.3.1-x');
  });

  test('skips are counted by reason, not by call', () => {
    expect(skipClass('pin_user_pages(): only the kernel itself can make this call')).toBe(
      skipClass('get_user_pages(): only the kernel itself can make this call'),
    );
    expect(skipClass('pinned(): user space cannot see which pages are pinned')).toContain(
      'pinned()',
    );
    expect(skipClass('swap: this kernel has no zram')).toBe('swap: this kernel has no zram');
  });
});
