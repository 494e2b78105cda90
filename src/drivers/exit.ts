/** The end of a process that has registrations: its descriptors are closed, and with them goes what they held. */
import { REGION, REGIONS } from '../fs/device-tables.ts';
import type { System } from '../fs/system.ts';
import { at, R, READ } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import type { MmId, Steps } from '../machine/types.ts';
import { kmemAt, notifierLock } from '../mm/device-tables.ts';
import { dqbuf, umemUnreg } from './buffers.ts';
import { iommuRelease } from './iommu.ts';
import { odpDeregister } from './odp.ts';
import { deregMr } from './rdma.ts';

/** Releases all registrations of an address space. */
export function* releaseDevices(k: System, mm: MmId): Steps<void> {
  // Whoever was handed a number may give it back at the same moment: what is read here belongs to the step.
  for (let n = 1; n < k.notifier.mm.length; n++) {
    touchAlso(k, READ | kmemAt(notifierLock(n)));
    if (k.notifier.mm[n] === mm) yield* odpDeregister(k, n);
  }
  for (let row = 1; row <= REGIONS; row++) {
    touchAlso(k, READ | at(R.io, 2));
    if (k.device.mm[row] !== mm || k.device.pages[row] === 0) continue;
    const kind = k.device.kind[row];
    if (kind === REGION.rdma) yield* deregMr(k, row);
    else if (kind === REGION.xdp) yield* umemUnreg(k, row);
    else if (kind === REGION.v4l2) yield* dqbuf(k, row);
    else if (kind !== REGION.goldfish) yield* iommuRelease(k, row, kind);
  }
}
