import { expect, test } from 'vitest';
import { FOLL } from '../../src/mm/foll.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { pinUserPagesFast } from '../../src/mm/gup.ts';
import { kmalloc, newTask } from '../../src/mm/kernel.ts';
import { interleave } from './interleave.ts';
import { boot, run } from './run.ts';
import { mapVma, store } from './vma-builder.ts';

const SMALL = {
  areas: [{ pages: 64 }],
  swapPages: 0,
  mms: 4,
  cpus: 3,
  vmas: 8,
  tasks: 8,
  files: 2,
};

/** Chooses the same for the same seed: a thread for up to 16 steps, then perhaps another. */
function chooser(seed: number): () => number {
  let state = seed;
  let left = 0;
  return () => {
    if (left-- <= 0) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      left = (state >>> 8) & 15;
    }
    return state >>> 16;
  };
}

/** How often, of 400 orders of a pin and a fork, the owner's next store leaves the pinned page. */
function strayed(version: string): number {
  let count = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const { k, mm, task } = boot(version, SMALL);
    mapVma(k, mm, 100, 1);
    const other = newTask(k, mm, 1);
    store(k, task, 100, 7);
    const pages = kmalloc(k, 1);
    // The mm has pinned before, or no fork would look (S12).
    expect(run(pinUserPagesFast(k, other, 50, 1, FOLL.write, pages))).toBeLessThan(0);
    const child = newTask(k, 0, 2);
    const [pinned] = interleave(
      k,
      [pinUserPagesFast(k, other, 100, 1, FOLL.write, pages), dupMm(k, task, child)],
      chooser(seed),
    );
    expect(pinned).toBe(1);
    expect(k.report[0]).toBe(0);
    if (store(k, task, 100, 9) !== k.kmem[pages]) count++;
  }
  return count;
}

test('S14 the fork that a pin races with: its page goes astray in 5.10, never since 5.11', () => {
  expect(strayed('5.10')).toBeGreaterThan(0);
  for (const version of ['5.11', '5.19', '6.12']) expect(strayed(version)).toBe(0);
});
