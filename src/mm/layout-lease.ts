/**
 * Layout leases of files on persistent memory, as they were proposed in August 2019 to let such memory be pinned for long
 * (fs/locks.c: F_SETLEASE with F_LAYOUT | F_EXCLUSIVE, never merged): who has opted in may pin, and as long as he has the
 * lease or a pin nobody takes blocks away, not even himself: truncation fails with -ETXTBSY rather than wait. Rule S238.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { EINVAL } from '../machine/errno.ts';
import type { FileId, Steps } from '../machine/types.ts';
import { isDaxKind } from './file-tables.ts';
import type { Kernel } from './kernel.ts';

/** The file's lease, as an object that steps meet at. */
function leaseAt(k: Kernel, file: FileId): number {
  return at(R.directIo, 2 * k.file.kind.length + file);
}

/** fcntl(F_SETLEASE): takes or gives up the lease. -EINVAL where there is none: other files, and every release. */
export function* setLayoutLease(k: Kernel, file: FileId, held: boolean): Steps<number> {
  if (k.rules.design.layoutLease === 'none' || !isDaxKind(k.file.kind[file])) return -EINVAL;
  yield WRITE | leaseAt(k, file);
  k.file.lease[file] = held ? 1 : 0;
  return 0;
}

/** Whether somebody has the file's lease. Part of the step under way. */
export function layoutLeased(k: Kernel, file: FileId): boolean {
  if (k.rules.design.layoutLease === 'none') return false;
  touchAlso(k, READ | leaseAt(k, file));
  return k.file.lease[file] !== 0;
}
