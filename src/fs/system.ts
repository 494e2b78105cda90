/** A kernel with what stands on its memory management: descriptors, pipes, disks, rings. */

import { R } from '../machine/access.ts';
import type { Alloc } from '../machine/arena.ts';
import { plainAlloc } from '../machine/arena.ts';
import { firstFreeKmem } from '../mm/device-tables.ts';
import { FILE_BLOCKS } from '../mm/file-tables.ts';
import { bootKernel, type Kernel, type KernelConfig, kmalloc } from '../mm/kernel.ts';
import { type DeviceTables, deviceTables } from './device-tables.ts';

/** Descriptors of a process at most, 0 to 2 included. */
export const FD_MAX = 32;

/** What an open file description is (`k.ofd.kind`). */
export const OFD = { none: 0, file: 1, pipeRead: 2, pipeWrite: 3 } as const;

/** Buffers of a new pipe (PIPE_DEF_BUFFERS), and of any in this model. */
export const PIPE_BUFFERS = 16;
/** Words of one pipe buffer: page frame, offset and length in bytes. */
export const PIPE_BUF = { pfn: 0, off: 1, len: 2, words: 3 } as const;

/** Registered buffers of a ring, and pages of one, at most. */
export const RING_SLOTS = 4;
export const RING_PAGES = 1024;

/** Requests of asynchronous direct I/O at most. */
export const AIO_SLOTS = 4;
/** Pages of one request at most: those of a whole disk file, not page aligned. */
export const AIO_PAGES = FILE_BLOCKS + 1;

/** States of a request (`k.aio.state`). */
export const AIO = { free: 0, submitted: 1, taken: 2, done: 3 } as const;

export interface System extends Kernel {
  /** Registrations of devices, and user->locked_vm. */
  readonly device: DeviceTables;
  /** Where in `kmem` each task has `TASK_PAGE_WORDS` words for an array of pages (`bouncePage`). */
  readonly pageWord: number;
  /** Descriptor tables: word `mm * FD_MAX + fd` is the open file description, 0: closed. */
  readonly fd: Int32Array;
  /** Open file descriptions, from 1. */
  readonly ofd: {
    readonly kind: Int32Array;
    /** FileId, or number of the pipe. */
    readonly target: Int32Array;
    /** O_* flags. */
    readonly flags: Int32Array;
    /** Position in bytes. */
    readonly pos: Int32Array;
    readonly refs: Int32Array;
  };
  /** Pipes, from 1. */
  readonly pipe: {
    /** Buffers filled; the oldest is `head`. */
    readonly used: Int32Array;
    /** Buffers that it may have: `PIPE_BUFFERS`, or what F_SETPIPE_SZ made of it. */
    readonly slots: Int32Array;
    readonly head: Int32Array;
    readonly readers: Int32Array;
    readonly writers: Int32Array;
    readonly lock: Int32Array;
    /** Two words a pipe, region `R.ring`: not 0 while a reader (even) or a writer (odd) needn't wait. */
    readonly ready: Int32Array;
    /** `PIPE_BUFFERS * PIPE_BUF.words` words a pipe. */
    readonly buffers: Int32Array;
  };
  /** io_uring, one ring an address space, by slot: pages held (0: empty), the address range registered. */
  readonly ring: {
    readonly pages: Int32Array;
    /** Page number, offset in it and length in bytes. */
    readonly start: Int32Array;
    readonly offset: Int32Array;
    readonly length: Int32Array;
    /** Where in `kmem` the pages of ring 1, slot 0 begin; `RING_PAGES` a slot. */
    readonly kmem: number;
    readonly mms: number;
  };
  /** Requests of io_submit; the device takes the oldest first. */
  readonly aio: {
    readonly state: Int32Array;
    readonly mm: Int32Array;
    readonly file: Int32Array;
    /** 1: a read, which writes memory. */
    readonly isRead: Int32Array;
    readonly pos: Int32Array;
    readonly off: Int32Array;
    readonly len: Int32Array;
    /** Pages held, and whether by FOLL_PIN. */
    readonly pages: Int32Array;
    readonly pinned: Int32Array;
    /** What io_getevents answers: bytes, or an error. */
    readonly result: Int32Array;
    /** [0]: requests submitted and not done; [1]: done and not fetched. Region `R.io`. */
    readonly count: Int32Array;
    readonly kmem: number;
  };
}

export interface SystemConfig extends KernelConfig {
  readonly pipes?: number;
}

/** Pages that a task holds at once without memory of its own for them (process_vm_readv takes 16). */
export const TASK_PAGE_WORDS = 16;

/** Boots a kernel and what stands on it. Throws RangeError when the configuration does not fit. */
export function bootSystem(config: SystemConfig): System {
  const alloc: Alloc = config.alloc ?? plainAlloc;
  const k = bootKernel(config);
  // The first words of kernel memory, in the order in which the machine was first booted.
  let kmemNext = firstFreeKmem(k.pgd.length);
  const kernelWords = (words: number): number => {
    if (config.attach !== true) return kmalloc(k, words);
    const at = kmemNext;
    kmemNext += words;
    return at;
  };
  const mms = k.pgd.length;
  const ofds = 33;
  const pipes = (config.pipes ?? 8) + 1;
  const per = (n: number) => () => alloc(n);
  const perOfd = per(ofds);
  const perPipe = per(pipes);
  const perAio = per(AIO_SLOTS + 1);
  const slots = mms * RING_SLOTS;
  const rings = Math.min(mms, 5);
  const system: System = {
    ...k,
    device: deviceTables(alloc, kernelWords),
    pageWord: kernelWords(k.task.mm.length * TASK_PAGE_WORDS),
    fd: alloc(mms * FD_MAX),
    ofd: { kind: perOfd(), target: perOfd(), flags: perOfd(), pos: perOfd(), refs: perOfd() },
    pipe: {
      used: perPipe(),
      slots: perPipe(),
      head: perPipe(),
      readers: perPipe(),
      writers: perPipe(),
      lock: perPipe(),
      ready: alloc(pipes * 2),
      buffers: alloc(pipes * PIPE_BUFFERS * PIPE_BUF.words),
    },
    ring: {
      pages: alloc(slots),
      start: alloc(slots),
      offset: alloc(slots),
      length: alloc(slots),
      kmem: kernelWords(rings * RING_SLOTS * RING_PAGES),
      mms: rings,
    },
    aio: {
      state: perAio(),
      mm: perAio(),
      file: perAio(),
      isRead: perAio(),
      pos: perAio(),
      off: perAio(),
      len: perAio(),
      pages: perAio(),
      pinned: perAio(),
      result: perAio(),
      count: alloc(2),
      kmem: kernelWords((AIO_SLOTS + 1) * AIO_PAGES),
    },
  };
  k.regions[R.pipe] = system.pipe.lock;
  k.regions[R.ring] = system.pipe.ready;
  k.regions[R.io] = system.aio.count;
  return system;
}
