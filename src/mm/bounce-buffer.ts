/**
 * Each task's buffer of one page, through which bytes pass between user memory and pages: the source is read in one step and the
 * target written in another. Zero when it is not in use, so that equal machines are equal words. Nothing here is a step.
 */
import { PAGE_WORDS, pageByte, setPageByte } from '../machine/contents.ts';
import type { Pfn, TaskId } from '../machine/types.ts';
import { fillWords } from '../machine/words.ts';
import type { Kernel } from './kernel.ts';

/** Fills the task's buffer from `count` bytes of a page, from byte `off`. */
export function bounceIn(k: Kernel, task: TaskId, pfn: Pfn, off: number, count: number): void {
  const base = task * PAGE_WORDS;
  for (let i = 0; i < count; i++) {
    const shift = (i & 3) * 8;
    const w = base + (i >>> 2);
    k.file.bounce[w] = (k.file.bounce[w] & ~(255 << shift)) | (pageByte(k, pfn, off + i) << shift);
  }
}

/** Stores the first `count` bytes of the task's buffer into a page from byte `off`. */
export function bounceOut(k: Kernel, task: TaskId, pfn: Pfn, off: number, count: number): void {
  const base = task * PAGE_WORDS;
  for (let i = 0; i < count; i++)
    setPageByte(k, pfn, off + i, k.file.bounce[base + (i >>> 2)] >>> ((i & 3) * 8));
}

/** All zero again. */
export function bounceClear(k: Kernel, task: TaskId): void {
  fillWords(k.file.bounce, task * PAGE_WORDS, PAGE_WORDS, 0);
}

/** Byte `i` of the task's buffer. */
export function bounceByte(k: Kernel, task: TaskId, i: number): number {
  return (k.file.bounce[task * PAGE_WORDS + (i >>> 2)] >>> ((i & 3) * 8)) & 255;
}
