import { describe, expect, test } from 'vitest';
import { pageByte } from '../../src/machine/contents.ts';
import { EFAULT } from '../../src/machine/errno.ts';
import { audit, auditIdle, newHeld } from '../../src/mm/audit.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { newTask } from '../../src/mm/kernel.ts';
import { shmemNewFile } from '../../src/mm/shmem.ts';
import { swapOff, swapReadahead } from '../../src/mm/swapoff.ts';
import { VM } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';
import { reclaim, swapInUse } from './swap-builder.ts';
import { load, mapVma, ptePfn, RW, store } from './vma-builder.ts';

function small(version: string) {
  return boot(version, { areas: [{ pages: 512 }], swapPages: 16, tlbEntries: 8, vmas: 24 });
}

describe('swapoff', () => {
  test.each(['4.4', '5.18', '6.12'])(
    '%s brings everything back, for every process and file',
    (version) => {
      const { k, mm, task } = small(version);
      mapVma(k, mm, 100, 2);
      const file = run(shmemNewFile(k, 1));
      mapVma(k, mm, 300, 1, RW | VM.shared | VM.mayShare, file);
      store(k, task, 100, 5);
      store(k, task, 101, 6);
      store(k, task, 300, 7);
      const child = newTask(k, 0, 1);
      k.task.mm[child] = run(dupMm(k, task, child));
      for (const vpn of [100, 101, 300]) reclaim(k, ptePfn(k, mm, vpn));
      expect(swapInUse(k)).toBeGreaterThan(0);
      expect(run(swapOff(k))).toBe(0);
      expect(swapInUse(k)).toBe(0);
      expect([100, 101, 300].map((vpn) => pageByte(k, load(k, task, vpn), 0))).toEqual([5, 6, 7]);
      expect(load(k, child, 101)).toBe(ptePfn(k, mm, 101));
      expect(reclaim(k, ptePfn(k, mm, 100))).toBe(false);
      const held = newHeld(k);
      held.files[file] = 1;
      expect([...audit(k, held), ...auditIdle(k)]).toEqual([]);
    },
  );
});

describe('readahead', () => {
  test('A.18.6 the page is in the swap cache, and the fault finds it there', () => {
    const { k, mm, task } = small('6.12');
    mapVma(k, mm, 100, 1);
    reclaim(k, store(k, task, 100, 5));
    expect(run(swapReadahead(k, mm, 100))).toBe(0);
    const cached = k.swap.cache.find((pfn) => pfn !== 0);
    expect(run(swapReadahead(k, mm, 100))).toBe(0);
    expect(load(k, task, 100)).toBe(cached);
    expect(run(swapReadahead(k, mm, 100))).toBe(-EFAULT);
    expect([...audit(k, newHeld(k)), ...auditIdle(k)]).toEqual([]);
  });
});
