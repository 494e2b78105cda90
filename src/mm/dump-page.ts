/**
 * One page for a core dump (mm/gup.c: get_dump_page()). Rules: semantics.md A.2.1, A.6.1.
 */
import type { Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { FOLL } from './foll.ts';
import { LOCKED } from './gup-args.ts';
import { getUserPagesLocked } from './gup-locked.ts';
import type { Kernel } from './kernel.ts';

/**
 * get_dump_page(): the page at `vpn` with one reference for the caller (release with
 * `putUserPage`), 0 for a hole or a page of zeros: the dump writes zeros there itself. `page` is
 * the index of one word of kernel memory. Takes mmap_lock itself.
 */
export function* getDumpPage(k: Kernel, task: TaskId, vpn: Vpn, page: number): Steps<Pfn> {
  const flags = FOLL.force | FOLL.dump | FOLL.get | FOLL.unlockable;
  const got = yield* getUserPagesLocked(k, task, k.task.mm[task], vpn, 1, flags, page, LOCKED.self);
  return got === 1 ? k.kmem[page] : 0;
}
