/** Copying a page's content while devices and stale translations may still write to it (A.16.5). */
import { at, R, READ } from './access.ts';
import { copyPage } from './contents.ts';
import type { Machine } from './machine.ts';
import type { Pfn, Steps } from './types.ts';

/**
 * copy_user_highpage(): copies `from` to the fresh page `to`, which nobody else knows yet. One read of the old
 * content: a write that comes later is not in the copy.
 */
export function* copyUserPage(k: Machine, from: Pfn, to: Pfn): Steps<void> {
  yield READ | at(R.content, from);
  copyPage(k, from, to);
}
