/** Registered buffers inside of huge pages: how many pins are kept (S239). */
import { describe, expect, test } from 'vitest';
import { ringRegister, ringUnregister } from '../../src/drivers/io-uring.ts';
import { addHeldBySystem } from '../../src/fs/held.ts';
import { bootSystem } from '../../src/fs/system.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { HPAGE_PMD_NR } from '../../src/machine/page.ts';
import { audit, newHeld } from '../../src/mm/audit.ts';
import { newTask } from '../../src/mm/kernel.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { mmAlloc } from '../../src/mm/mm-alloc.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { pmdPfn } from '../mm/huge-builder.ts';
import { run } from '../mm/run.ts';
import { store } from '../mm/vma-builder.ts';

const PAGE = 4096;

/** Two huge pages behind each other, then a small one. */
function memory(version: string) {
  const k = bootSystem({ rules: rulesFor(version) });
  const mm = run(mmAlloc(k));
  const task = newTask(k, mm, 0);
  const n = 3 * HPAGE_PMD_NR;
  const flags = MAP.private | MAP.anonymous;
  const at = run(sysMmap(k, task, 0, n, PROT.read | PROT.write, flags, 0, 0));
  run(sysMadvise(k, task, at, 2 * HPAGE_PMD_NR, MADV.hugepage));
  run(sysMadvise(k, task, at + 2 * HPAGE_PMD_NR, HPAGE_PMD_NR, MADV.nohugepage));
  store(k, task, at, 1);
  store(k, task, at + HPAGE_PMD_NR, 1);
  // A large folio keeps its pincount in its first tail page.
  const pins = () => [0, HPAGE_PMD_NR].map((i) => k.page.private[pmdPfn(k, mm, at + i) + 1]);
  return { k, mm, task, at, pins };
}

function audited(k: ReturnType<typeof memory>['k']): void {
  const held = newHeld(k);
  addHeldBySystem(k, held);
  expect(audit(k, held)).toEqual([]);
}

describe('registered buffers', () => {
  test.each([
    ['6.2', 'in one huge page', 3, 4, [4, 0]],
    ['6.3', 'in one huge page', 3, 4, [1, 0]],
    ['6.3', 'over two huge pages', HPAGE_PMD_NR - 2, 4, [2, 2]],
    ['6.12', 'over two huge pages', HPAGE_PMD_NR - 2, 4, [1, 1]],
    ['6.12', 'of a huge page and a small one', 2 * HPAGE_PMD_NR - 2, 3, [0, 2]],
  ] as const)('S239 at %s, %s', (version, _where, first, n, kept) => {
    const { k, mm, task, at, pins } = memory(version);
    expect(run(ringRegister(k, task, at + first, 0, n * PAGE))).toBe(0);
    expect(pins()).toEqual(kept);
    audited(k);
    expect(run(ringUnregister(k, mm))).toBe(0);
    expect(pins()).toEqual([0, 0]);
    audited(k);
  });

  test('S239 the last pin of a folio that is mapped no more frees it, once', () => {
    const { k, mm, task, at } = memory('6.12');
    expect(run(ringRegister(k, task, at, 0, 2 * HPAGE_PMD_NR * PAGE))).toBe(0);
    run(sysMunmap(k, task, at, 2 * HPAGE_PMD_NR));
    audited(k);
    expect(run(ringUnregister(k, mm))).toBe(0);
    expect(k.report[0]).toBe(0);
    audited(k);
  });
});
