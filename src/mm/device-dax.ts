/**
 * Device-dax and other devices whose files are nothing but their memory (drivers/dax/device.c; drivers/pci/p2pdma.c): page
 * `i` of the file is page `i` of the device, mapped shared only. Rules: semantics.md A.24.5 to A.24.8, S220, S224.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { EINVAL } from '../machine/errno.ts';
import type { FileId, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { insertDeviceLeaf, insertDevicePte } from './dax-insert.ts';
import { deviceAlive, deviceStart, killDevPagemap, memunmapPages } from './dev-pagemap.ts';
import { DEVICE } from './device-tables.ts';
import { VMF } from './fault-flags.ts';
import { END_OF_FILE } from './file-refs.ts';
import { FILE } from './file-tables.ts';
import { headOf } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { linearIndex } from './rmap.ts';
import { unmapMappingRange } from './truncate.ts';
import { VM } from './vma.ts';

/** `DEVICE` kind behind a device file. */
function memoryOf(k: Kernel, file: FileId): number {
  return k.file.kind[file] === FILE.p2pmem ? DEVICE.p2pdma : DEVICE.devdax;
}

/** dev_dax_fault(), p2pmem_alloc_mmap(): maps the page, writable where the mapping is. `VMF` bits. */
export function* deviceFileFault(k: Kernel, vma: VmaId, vpn: Vpn): Steps<number> {
  const file = k.vma.file[vma];
  const kind = memoryOf(k, file);
  const index = linearIndex(k, vma, vpn);
  if (index >= k.zoneDevice.quarter || !deviceAlive(k, kind)) return VMF.sigbus;
  const write = (k.vma.flags[vma] & VM.write) !== 0;
  const pfn = deviceStart(k, kind) + index;
  if (kind === DEVICE.devdax) yield* setMapping(k, file, pfn);
  const order = k.file.order[file];
  if (order !== 0) {
    const base = vpn - (vpn % (1 << order));
    return yield* insertDeviceLeaf(k, vma, base, pfn - (vpn - base), write, order);
  }
  const counted = kind === DEVICE.p2pdma || k.rules.devmap.mapRefs;
  const result = yield* insertDevicePte(k, vma, vpn, pfn, write, counted);
  return result & VMF.error;
}

/** dax_set_mapping(): the page, or all that one entry maps, belong to the device's file. */
function* setMapping(k: Kernel, file: FileId, pfn: Pfn): Steps<void> {
  if (k.page.mapping[headOf(k, pfn)] === file << 2) return;
  yield WRITE | at(R.mapping, pfn);
  const start = deviceStart(k, DEVICE.devdax);
  const span = 1 << k.file.order[file];
  const first = pfn - ((pfn - start) & (span - 1));
  for (let page = first; page < first + span; page++) {
    if (k.page.compound[page] > 0) continue;
    k.page.mapping[page] = file << 2;
    k.page.index[page] = page - start;
  }
}

/**
 * Unbinding a device-dax driver (kill_dev_dax, memunmap_pages): no new mapping, no new reference; the mappings go, and with
 * the flush every lockless walk that has seen one ends; then the pages. -EINVAL for other files.
 */
export function* daxTeardown(k: Kernel, file: FileId): Steps<number> {
  if (k.file.kind[file] !== FILE.devdax) return -EINVAL;
  yield* killDevPagemap(k, DEVICE.devdax);
  yield* unmapMappingRange(k, file, 0, END_OF_FILE, true);
  yield* memunmapPages(k, DEVICE.devdax);
  return 0;
}
