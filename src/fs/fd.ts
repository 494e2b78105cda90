/** Descriptors and open file descriptions (fs/file.c, fs/open.c). Numbers begin at 3, as after start-up. */

import { at, R, WRITE } from '../machine/access.ts';
import { EBADF, EMFILE } from '../machine/errno.ts';
import type { FileId, MmId, Steps } from '../machine/types.ts';
import { filePut } from '../mm/file-refs.ts';
import { pipeEndClosed } from './pipe.ts';
import { FD_MAX, OFD, type System } from './system.ts';

/** Open file description behind `fd` in the process of `mm`, 0: none (EBADF). */
export function ofdOf(k: System, mm: MmId, fd: number): number {
  return fd >= 0 && fd < FD_MAX ? k.fd[mm * FD_MAX + fd] : 0;
}

/** File behind `fd`; 0 when it is closed or no file. */
export function fileOfFd(k: System, mm: MmId, fd: number): FileId {
  const ofd = ofdOf(k, mm, fd);
  return ofd !== 0 && k.ofd.kind[ofd] === OFD.file ? k.ofd.target[ofd] : 0;
}

/** Whether `fd` must not be used for the access (its O_ACCMODE says so) or is closed. */
export function fdRefuses(k: System, mm: MmId, fd: number, write: boolean): boolean {
  const ofd = ofdOf(k, mm, fd);
  if (ofd === 0) return true;
  const mode = k.ofd.flags[ofd] & 3;
  return write ? mode === 0 : mode === 1;
}

/** A new description of `kind` under the lowest free descriptor; the caller's reference on the target goes to it. */
export function* fdInstall(
  k: System,
  mm: MmId,
  kind: number,
  target: number,
  flags: number,
): Steps<number> {
  yield WRITE | at(R.task, mm);
  let fd = 3;
  while (fd < FD_MAX && k.fd[mm * FD_MAX + fd] !== 0) fd++;
  let ofd = 1;
  while (ofd < k.ofd.kind.length && k.ofd.kind[ofd] !== OFD.none) ofd++;
  if (fd === FD_MAX || ofd === k.ofd.kind.length) return -EMFILE;
  k.ofd.kind[ofd] = kind;
  k.ofd.target[ofd] = target;
  k.ofd.flags[ofd] = flags;
  k.ofd.refs[ofd] = 1;
  k.fd[mm * FD_MAX + fd] = ofd;
  return fd;
}

/** close(2): 0 or -EBADF. */
export function* sysClose(k: System, mm: MmId, fd: number): Steps<number> {
  yield WRITE | at(R.task, mm);
  const ofd = ofdOf(k, mm, fd);
  if (ofd === 0) return -EBADF;
  k.fd[mm * FD_MAX + fd] = 0;
  yield* ofdPut(k, ofd);
  return 0;
}

function* ofdPut(k: System, ofd: number): Steps<void> {
  k.ofd.refs[ofd] -= 1;
  if (k.ofd.refs[ofd] > 0) return;
  const kind = k.ofd.kind[ofd];
  const target = k.ofd.target[ofd];
  k.ofd.kind[ofd] = OFD.none;
  k.ofd.target[ofd] = 0;
  k.ofd.flags[ofd] = 0;
  k.ofd.pos[ofd] = 0;
  if (kind === OFD.file) yield* filePut(k, target);
  if (kind === OFD.pipeRead || kind === OFD.pipeWrite)
    yield* pipeEndClosed(k, target, kind === OFD.pipeWrite);
}

/** fork(): the child's table names the same descriptions. */
export function fdDup(k: System, parent: MmId, child: MmId): void {
  for (let fd = 0; fd < FD_MAX; fd++) {
    const ofd = k.fd[parent * FD_MAX + fd];
    if (ofd === 0) continue;
    k.fd[child * FD_MAX + fd] = ofd;
    k.ofd.refs[ofd] += 1;
  }
}

/** exit(): every descriptor of the process is closed. */
export function* fdCloseAll(k: System, mm: MmId): Steps<void> {
  for (let fd = 0; fd < FD_MAX; fd++) {
    if (k.fd[mm * FD_MAX + fd] !== 0) yield* sysClose(k, mm, fd);
  }
}
