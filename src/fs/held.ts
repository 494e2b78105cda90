/** What pipes, rings, requests and descriptors hold, for the audit (mm/audit.ts). */
import type { Held } from '../mm/audit-tally.ts';
import { HOLD, REGION_PAGES, REGIONS } from './device-tables.ts';
import { beginsPiece, coalesces } from './ring-buffers.ts';
import {
  AIO,
  AIO_PAGES,
  AIO_SLOTS,
  OFD,
  PIPE_BUF,
  PIPE_BUFFERS,
  RING_PAGES,
  RING_SLOTS,
  type System,
} from './system.ts';

/** Adds to `held` the references on pages and files that the system's own tables explain. */
export function addHeldBySystem(k: System, held: Held): void {
  for (let b = 0; b < k.pipe.used.length * PIPE_BUFFERS; b++)
    add(held.gets, k.pipe.buffers[b * PIPE_BUF.words + PIPE_BUF.pfn]);
  const registered = k.rules.users.ioUring === 'pinLongterm' ? held.pins : held.gets;
  // Ring 1 is the first that has pages.
  for (let i = RING_SLOTS; i < k.ring.pages.length; i++)
    addBuffer(k, registered, k.ring.kmem + (i - RING_SLOTS) * RING_PAGES, k.ring.pages[i]);
  for (let row = 1; row <= REGIONS; row++)
    addAll(
      k,
      k.device.hold[row] === HOLD.pin ? held.pins : held.gets,
      k.device.kmem + (row - 1) * REGION_PAGES,
      k.device.pages[row],
    );
  for (let aio = 1; aio <= AIO_SLOTS; aio++) {
    if (k.aio.state[aio] !== AIO.free)
      addAll(
        k,
        k.aio.pinned[aio] === 1 ? held.pins : held.gets,
        k.aio.kmem + aio * AIO_PAGES,
        k.aio.pages[aio],
      );
    add(held.files, k.aio.file[aio]);
  }
  for (let ofd = 1; ofd < k.ofd.kind.length; ofd++)
    if (k.ofd.kind[ofd] === OFD.file) add(held.files, k.ofd.target[ofd]);
}

/** A registered buffer: pages that are kept as one piece have one pin. */
function addBuffer(k: System, to: Int32Array, first: number, n: number): void {
  const pieces = n > 1 && coalesces(k, first, n);
  for (let i = 0; i < n; i++) if (!pieces || beginsPiece(k, first, i)) add(to, k.kmem[first + i]);
}

function addAll(k: System, to: Int32Array, first: number, n: number): void {
  for (let i = 0; i < n; i++) add(to, k.kmem[first + i]);
}

function add(to: Int32Array, i: number): void {
  if (i !== 0) to[i] += 1;
}
