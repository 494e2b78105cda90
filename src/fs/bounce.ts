/**
 * Copies between user memory and pages (copy_to_user, copy_from_user, kmap), by way of the task's bounce
 * buffer (mm/bounce-buffer.ts): one step where the source is read, one where the target is written, as neither is
 * atomic with the other. At most one page at a time.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { EFAULT } from '../machine/errno.ts';
import type { Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { bounceIn, bounceOut } from '../mm/bounce-buffer.ts';
import type { Kernel } from '../mm/kernel.ts';
import { kernelAccess } from '../mm/memory.ts';

/** User memory to buffer: 0 or -EFAULT. The range lies in one page. */
export function* copyFromUser(
  k: Kernel,
  task: TaskId,
  vpn: Vpn,
  off: number,
  n: number,
): Steps<number> {
  const pfn = yield* kernelAccess(k, task, vpn, false);
  if (pfn < 0) return -EFAULT;
  bounceIn(k, task, pfn, off, n);
  return 0;
}

/** Buffer to user memory: 0 or -EFAULT. The range lies in one page. */
export function* copyToUser(
  k: Kernel,
  task: TaskId,
  vpn: Vpn,
  off: number,
  n: number,
): Steps<number> {
  const pfn = yield* kernelAccess(k, task, vpn, true);
  if (pfn < 0) return -EFAULT;
  bounceOut(k, task, pfn, off, n);
  return 0;
}

/** Page to buffer: a device's or the kernel's own read. */
export function* copyFromPage(
  k: Kernel,
  task: TaskId,
  pfn: Pfn,
  off: number,
  n: number,
): Steps<void> {
  yield READ | at(R.content, pfn);
  bounceIn(k, task, pfn, off, n);
}

/** Buffer to page: a device's or the kernel's own write. */
export function* copyToPage(
  k: Kernel,
  task: TaskId,
  pfn: Pfn,
  off: number,
  n: number,
): Steps<void> {
  yield WRITE | at(R.content, pfn);
  bounceOut(k, task, pfn, off, n);
}
