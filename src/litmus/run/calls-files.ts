/** open(2) and its kind. */

import { fdInstall, fileOfFd, ofdOf, sysClose } from '../../fs/fd.ts';
import { newPipe, pipeBytes, pipeResize } from '../../fs/pipe.ts';
import { isDirect, OWN_POSITION, readFd, readValue, seekFd, writeFd } from '../../fs/read-write.ts';
import { sysVmsplice } from '../../fs/splice.ts';
import { sysSplice } from '../../fs/splice-file.ts';
import { OFD } from '../../fs/system.ts';
import { at, R, WRITE } from '../../machine/access.ts';
import {
  EBADF,
  EEXIST,
  EINVAL,
  EMFILE,
  ENOENT,
  ENOMEM,
  EOPNOTSUPP,
  ESPIPE,
} from '../../machine/errno.ts';
import type { FileId, MmId, Steps, TaskId } from '../../machine/types.ts';
import { END_OF_FILE, fileGet, newFile } from '../../mm/file-refs.ts';
import { sysFallocate, sysFtruncate } from '../../mm/file-size.ts';
import { FILE, isDaxKind, isDeviceFile, isDiskKind } from '../../mm/file-tables.ts';
import { setLayoutLease } from '../../mm/layout-lease.ts';
import { addSeals, getSeals, sysMemfdCreate } from '../../mm/memfd.ts';
import { sysMemfdSecret } from '../../mm/secretmem.ts';
import { sysFsync, sysSyncFileRange } from '../../mm/sync.ts';
import { CALL } from './call-ids.ts';
import { noteFull } from './calls-async.ts';
import { LIMIT, type Lit } from './program.ts';
import { arg, argCount, argInt, argOff, argVpn, instructionAt, setVar } from './values.ts';

export function* callFiles(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  const mm = k.task.mm[task];
  switch (id) {
    case CALL.open:
      return yield* callOpen(k, task, pc);
    case CALL.close:
      return yield* sysClose(k, mm, argInt(k, pc, 0));
    case CALL.pipe:
      return yield* callPipe(k, task, pc);
    case CALL.vmsplice:
      return yield* sysVmsplice(
        k,
        task,
        argInt(k, pc, 0),
        argVpn(k, pc, 1),
        argOff(k, pc, 1),
        argInt(k, pc, 2),
        argInt(k, pc, 3),
      );
    case CALL.memfd_create:
    case CALL.memfd_secret: {
      let file = 0;
      if (id === CALL.memfd_create) file = yield* sysMemfdCreate(k, argInt(k, pc, 1));
      else file = yield* sysMemfdSecret(k);
      return file < 0 ? file : yield* fdInstall(k, mm, OFD.file, file, O_RDWR);
    }
    case CALL.splice:
      return yield* callSplice(k, task, pc);
    case CALL.lseek:
      return yield* seekFd(k, mm, argInt(k, pc, 0), argInt(k, pc, 1), argInt(k, pc, 2));
    case CALL.fsync:
    case CALL.sync_file_range:
      return yield* callSync(k, mm, pc, id);
    case CALL.ftruncate:
    case CALL.fallocate:
    case CALL.fcntl:
      return yield* onFile(k, task, pc, id);
    default:
      return yield* readOrWrite(k, task, pc, id);
  }
}

const PAGE_SIZE = 4096;
const O_RDWR = 2;
const O_CREAT = 0o100;
const O_TRUNC = 0o1000;
const O_DIRECT = 0o40000;
const O_EXCL = 0o200;
const O_TMPFILE = 0o20200000;

/** The kinds of file systems by the first part of a path. */
const ROOTS: ReadonlyMap<string, number> = new Map([
  ['tmpfs', FILE.shmem],
  ['hugetlbfs', FILE.hugetlbfs],
  ['ext4', FILE.ext4],
  ['xfs', FILE.xfs],
  ['btrfs', FILE.btrfs],
  ['dax', FILE.daxXfs],
  ['dax-ext4', FILE.daxExt4],
  ['dev', FILE.devdax],
  ['sys', FILE.p2pmem],
]);

/** `FILE` kind of the file system that a path names, 0: none that the model has. */
function fileSystem(path: string): number {
  return ROOTS.get(path.split('/')[1] ?? '') ?? FILE.none;
}

/** Whether files of this kind can be opened with O_DIRECT (tmpfs: S203, and then the data is copied). */
function takesDirect(k: Lit, kind: number): boolean {
  return isDiskKind(kind) || isDaxKind(kind) || (kind === FILE.shmem && k.rules.call.tmpfsDirect);
}

function* callOpen(k: Lit, task: TaskId, pc: number): Steps<number> {
  const name = argInt(k, pc, 0);
  const flags = argInt(k, pc, 1);
  const mm = k.task.mm[task];
  const kind = fileSystem(k.program.strings[name] ?? '');
  if (kind === FILE.none) {
    k.lit.limits[LIMIT.fileSystem] = instructionAt(k, pc).line;
    return -ENOENT;
  }
  if ((flags & O_TMPFILE) === O_TMPFILE) {
    const unnamed = yield* createFile(k, kind);
    return unnamed === 0 ? -EMFILE : yield* fdInstall(k, mm, OFD.file, unnamed, flags);
  }
  yield WRITE | at(R.io, 1);
  let file: FileId = k.lit.names[name];
  if (isDeviceFile(kind)) {
    if (!deviceExists(k, kind)) return -ENOENT;
    if (file === 0) {
      file = yield* createFile(k, kind);
      if (file === 0) return -EMFILE;
      k.lit.names[name] = file;
    }
    yield* fileGet(k, file);
    return yield* fdInstall(k, mm, OFD.file, file, flags);
  }
  if (file !== 0 && (flags & O_EXCL) !== 0 && (flags & O_CREAT) !== 0) return -EEXIST;
  if (file === 0) {
    if ((flags & O_CREAT) === 0) return -ENOENT;
    file = yield* createFile(k, kind);
    if (file === 0) return -EMFILE;
    k.lit.names[name] = file;
  } else if ((flags & O_TRUNC) !== 0 && kind !== FILE.hugetlbfs) {
    yield* sysFtruncate(k, file, 0, 0);
  }
  // Refused when the file is there already, be it by this very call (do_dentry_open).
  if ((flags & O_DIRECT) !== 0 && !takesDirect(k, kind)) return -EINVAL;
  // One reference for the name, one for the descriptor.
  yield* fileGet(k, file);
  return yield* fdInstall(k, mm, OFD.file, file, flags);
}

/** Device-dax, and the file by which user space maps memory of a PCI device, came with some version. */
function deviceExists(k: Lit, kind: number): boolean {
  return kind === FILE.devdax ? k.rules.call.deviceDax : k.rules.foll.pciP2pdma !== 0;
}

const HPAGE_ORDER = 9;

/** A new, empty file; 0: no number left. */
function* createFile(k: Lit, kind: number): Steps<FileId> {
  const file = yield* newFile(k, kind);
  if (file !== 0 && kind === FILE.hugetlbfs) k.file.order[file] = HPAGE_ORDER;
  if (file !== 0 && kind === FILE.devdax) k.file.order[file] = k.zoneDevice.order;
  if (file !== 0 && isDeviceFile(kind)) k.file.pages[file] = k.zoneDevice.quarter;
  return file;
}

function* callSplice(k: Lit, task: TaskId, pc: number): Steps<number> {
  const from = ofdOf(k, k.task.mm[task], argInt(k, pc, 0));
  // Past the page cache it would copy.
  if (from !== 0 && k.ofd.kind[from] === OFD.file && isDirect(k, from))
    k.lit.limits[LIMIT.fileSystem] = instructionAt(k, pc).line;
  return yield* sysSplice(
    k,
    task,
    argInt(k, pc, 0),
    argInt(k, pc, 1),
    argInt(k, pc, 2),
    argInt(k, pc, 3),
    argInt(k, pc, 4),
    argInt(k, pc, 5),
  );
}

/** fsync, sync_file_range: of a range of 0 bytes, all from the offset on. */
function* callSync(k: Lit, mm: MmId, pc: number, id: number): Steps<number> {
  const fd = argInt(k, pc, 0);
  if (ofdOf(k, mm, fd) === 0) return -EBADF;
  const file = fileOfFd(k, mm, fd);
  if (file === 0) return id === CALL.fsync ? -EINVAL : -ESPIPE;
  if (id === CALL.fsync) return yield* sysFsync(k, file);
  if (arg(k, pc, 1) < 0 || arg(k, pc, 2) < 0) return -EINVAL;
  const length = arg(k, pc, 2);
  const to = length === 0 ? END_OF_FILE : Math.ceil((arg(k, pc, 1) + length) / PAGE_SIZE);
  return yield* sysSyncFileRange(k, file, argVpn(k, pc, 1), to, argInt(k, pc, 3));
}

/** Whether the descriptor's file has blocks on a medium. */
function onDisk(k: Lit, mm: MmId, fd: number): boolean {
  return isDiskKind(k.file.kind[fileOfFd(k, mm, fd)] ?? 0);
}

/** pipe(): two descriptors, into the two variables from the first argument on. */
function* callPipe(k: Lit, task: TaskId, pc: number): Steps<number> {
  const mm = k.task.mm[task];
  const pipe = yield* newPipe(k);
  if (pipe === 0) return -EMFILE;
  const readEnd = yield* fdInstall(k, mm, OFD.pipeRead, pipe, 0);
  const writeEnd = yield* fdInstall(k, mm, OFD.pipeWrite, pipe, 1);
  if (writeEnd < 0) return writeEnd;
  const first = arg(k, pc, 0);
  setVar(k, first, readEnd);
  setVar(k, first + 1, writeEnd);
  return 0;
}

const F_SETLEASE = 1024;
const F_UNLCK = 2;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;

function* onFile(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  const mm = k.task.mm[task];
  const ofd = ofdOf(k, mm, argInt(k, pc, 0));
  if (ofd === 0) return -EBADF;
  const kind = k.ofd.kind[ofd];
  const isPipe = kind === OFD.pipeRead || kind === OFD.pipeWrite;
  const command = argInt(k, pc, 1);
  if (id === CALL.fcntl && (command === F_SETPIPE_SZ || command === F_GETPIPE_SZ)) {
    if (!isPipe) return -EBADF;
    return yield* pipeSize(k, k.ofd.target[ofd], pc, command);
  }
  if (id === CALL.fallocate && isPipe) return -ESPIPE;
  const file = fileOfFd(k, mm, argInt(k, pc, 0));
  if (file === 0) return -EINVAL;
  if (id === CALL.ftruncate)
    return yield* sysFtruncate(k, file, argVpn(k, pc, 1), argOff(k, pc, 1));
  if (id === CALL.fallocate) {
    return yield* sysFallocate(
      k,
      file,
      argInt(k, pc, 1),
      argVpn(k, pc, 2),
      argOff(k, pc, 2),
      argVpn(k, pc, 3),
      argOff(k, pc, 3),
    );
  }
  if (command === F_SETLEASE) return yield* setLayoutLease(k, file, argInt(k, pc, 2) !== F_UNLCK);
  if (command === F_ADD_SEALS) return yield* addSeals(k, file, argInt(k, pc, 2));
  if (command === F_GET_SEALS) return getSeals(k, file);
  return -EOPNOTSUPP;
}

function* pipeSize(k: Lit, pipe: number, pc: number, command: number): Steps<number> {
  if (command === F_GETPIPE_SZ) return yield* pipeBytes(k, pipe);
  const size = yield* pipeResize(k, pipe, argInt(k, pc, 2));
  if (size === -ENOMEM) k.lit.limits[LIMIT.pipe] = instructionAt(k, pc).line;
  return size;
}

/** The short forms answer the value read; position -1 is the descriptor's own. */
function* readOrWrite(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  const fd = argInt(k, pc, 0);
  const n = argCount(k, pc);
  if (id === CALL.read && n === 2)
    return yield* readValue(k, task, fd, argInt(k, pc, 1), OWN_POSITION);
  if (id === CALL.pread && n === 3)
    return yield* readValue(k, task, fd, argInt(k, pc, 1), argInt(k, pc, 2));
  const vpn = argVpn(k, pc, 1);
  const off = argOff(k, pc, 1);
  const len = argInt(k, pc, 2);
  switch (id) {
    case CALL.read:
      return yield* readFd(k, task, fd, vpn, off, len, OWN_POSITION);
    case CALL.pread:
      return yield* readFd(k, task, fd, vpn, off, len, argInt(k, pc, 3));
    default: {
      const pos = id === CALL.write ? OWN_POSITION : argInt(k, pc, 3);
      const done = yield* writeFd(k, task, fd, vpn, off, len, pos);
      if (onDisk(k, k.task.mm[task], fd)) noteFull(k, pc, done);
      return done;
    }
  }
}
