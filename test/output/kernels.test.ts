import { describe, expect, test } from 'vitest';
import { allKernels, kernelNames, RULES } from '../../src/kernels/index.ts';
import {
  diffJson,
  diffText,
  kernelJson,
  kernelsJson,
  kernelsText,
  kernelText,
} from '../../src/output/kernels.ts';

describe('pinfold kernels', () => {
  test('lists every kernel and design with what changed', () => {
    const lines = kernelsText().split('\n');
    for (const name of kernelNames) expect(lines.some((l) => l.split(/ +/)[0] === name)).toBe(true);
    expect(lines.find((l) => l.startsWith('5.9 '))).toMatch(
      /^5\.9 +2020 +9 +cow\.smallReuse .*\+5$/,
    );
    expect(lines.find((l) => l.startsWith('5.15 '))).toMatch(
      /^5\.15 +2021 +1 +filemap\.readsGuarded$/,
    );
    expect(lines.some((l) => l.startsWith('bias-2019 '))).toBe(true);
  });

  test('no line is wider than a terminal, has trailing blanks or colours', () => {
    for (const text of [kernelsText(), kernelText('6.1'), diffText('4.4', '7.3')]) {
      for (const line of text.split('\n')) {
        expect(line).not.toMatch(/\s$/);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what must not be there
        expect(line).not.toMatch(/\x1b/);
      }
    }
    for (const line of kernelsText().split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  test('--json has every version, rule and schema name', () => {
    const json = JSON.parse(JSON.stringify(kernelsJson()));
    expect(json.schema).toBe('pinfold.kernels/1');
    expect(json.kernels.map((k: { name: string }) => k.name)).toEqual(allKernels);
    expect(json.rules.length).toBe(RULES.length);
  });
});

describe('pinfold kernels show', () => {
  test('6.1: every rule with its value and since when', () => {
    const text = kernelText('6.1');
    expect(text).toMatch(/^Kernel 6\.1 \(2022\)/);
    for (const rule of RULES) expect(text).toContain(` ${rule.name} `);
    expect(text).toMatch(/S1 +cow\.smallReuse +exclusive +5\.19 6c287605fd56\n/);
    expect(text).toMatch(/foll\.pin +0x40000 +5\.6/);
    expect(text).toMatch(/foll\.cow +absent +6\.0/);
    expect(text).toMatch(/gup\.unshareNonAnonLongterm +no\n/);
  });

  test('a profile says what is a backport', () => {
    expect(kernelText('debian-6.1.192')).toMatch(
      /pin\.zeroPage +untouched +backport: c8070b787519 of 6\.5\n/,
    );
    const zero = kernelJson('debian-6.1.192').rules.find((r) => r.name === 'pin.zeroPage');
    expect(zero).toMatchObject({
      value: 'untouched',
      since: null,
      backport: 'c8070b787519 of 6.5',
    });
  });
});

describe('pinfold kernels diff', () => {
  test('5.8 5.19: name, old and new value, commit, release, sentence', () => {
    const text = diffText('5.8', '5.19');
    expect(text).toMatch(/^\d+ rules differ between 5\.8 and 5\.19\.\n/);
    expect(text).toContain(
      'cow.smallReuse (S1): mapcount -> exclusive\n  5.9: refcount1 09854ba94c6a mm: do_wp_page() simplification\n',
    );
    expect(text).toContain('gup.unshareAnon (S7): no -> yes\n  5.19: yes a7f226604170 ');
    expect(text).toContain('one reference, or it is known to be exclusive.');
  });

  test('the same rules in text and JSON', () => {
    const json = diffJson('5.10', '6.1');
    expect(json.differences.length).toBeGreaterThan(10);
    const text = diffText('5.10', '6.1');
    for (const d of json.differences) expect(text).toContain(`${d.rule} (${d.id}): `);
    expect(json.differences.find((d) => d.rule === 'fork.seq')).toMatchObject({
      from: 'none',
      to: 'all',
      changes: [
        { value: 'normal', release: '5.11', commit: '57efa1fe5957' },
        { value: 'all', release: '5.19', commit: '623a1ddfeb23' },
      ],
    });
  });

  test('nothing to say is said', () => {
    expect(diffText('6.19', '7.1')).toBe('No rule of the model differs between 6.19 and 7.1.\n');
  });
});
