/**
 * Device memory with page structures (mm/memremap.c): what kind a page is, references on its device's page map, and the end
 * of the device. Rules: semantics.md A.24.5 to A.24.8, S33, S220, S221.
 *
 * The page map counts who looks its pages up (get_dev_pagemap), and until 5.17 every page that has references, so that
 * pinned pages keep the device. Since 5.18 pages do not count there: only lookups that are under way do.
 */
import { READ, WAIT_ZERO, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { refSubAndTest } from '../machine/atomic.ts';
import { PG } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { Folio, Pfn, Steps } from '../machine/types.ts';
import { DEVICE, kmemAt, PGMAP, pgmapWord } from './device-tables.ts';
import type { Kernel } from './kernel.ts';

/** `DEVICE` kind of a page; `DEVICE.none` for ordinary memory (page_pgmap, folio_is_zone_device). */
export function deviceKind(k: Kernel, pfn: Pfn): number {
  const at = pfn - k.zoneDevice.first;
  if (at < 0 || at >= k.zoneDevice.pages) return DEVICE.none;
  return 1 + Math.floor(at / k.zoneDevice.quarter);
}

/** folio_is_zone_device(). */
export function isZoneDevice(k: Kernel, pfn: Pfn): boolean {
  const at = pfn - k.zoneDevice.first;
  return at >= 0 && at < k.zoneDevice.pages;
}

/** First page of the memory of a `DEVICE` kind. */
export function deviceStart(k: Kernel, kind: number): Pfn {
  return k.zoneDevice.first + (kind - 1) * k.zoneDevice.quarter;
}

/** Pages of one page structure of a kind's memory: all of an entry where device-dax is made of compound pages (S72). */
export function deviceFolioPages(k: Kernel, kind: number): number {
  return kind === DEVICE.devdax && k.rules.devmap.compound ? 1 << k.zoneDevice.order : 1;
}

/**
 * memremap_pages(): the page structures of the device area as their drivers leave them. Device-dax holds one reference on
 * each folio for good, file systems too until 6.14; the others hand their pages out and begin with none.
 */
export function memremapPages(k: Kernel): void {
  for (let kind = DEVICE.fsdax; kind <= DEVICE.private; kind++) {
    const start = deviceStart(k, kind);
    const step = deviceFolioPages(k, kind);
    const base = deviceBaseRefs(k, kind);
    for (let i = 0; i < k.zoneDevice.quarter; i += step) {
      k.page.refcount[start + i] = base;
      if (step > 1) makeCompound(k, start + i, k.zoneDevice.order);
    }
    const counted = countsPages(k, kind) ? k.zoneDevice.quarter / step : 0;
    if (k.zoneDevice.pages > 0) k.kmem[pgmapWord(kind) + 1] = counted;
  }
}

/** References of a folio of this kind that nobody uses. */
export function deviceBaseRefs(k: Kernel, kind: number): number {
  if (kind === DEVICE.devdax) return 1;
  return kind === DEVICE.fsdax ? k.idleRefs : 0;
}

/** Whether each folio of this kind holds a reference on its page map as long as it has references itself (S221). */
function countsPages(k: Kernel, kind: number): boolean {
  return k.rules.devmap.teardown === 'pages' && deviceBaseRefs(k, kind) > 0;
}

function makeCompound(k: Kernel, head: Pfn, order: number): void {
  k.page.flags[head] |= PG.head;
  k.page.compound[head] = -order;
  for (let i = 1; i < 1 << order; i++) k.page.compound[head + i] = head + 1;
}

/** get_dev_pagemap(): a reference on the page map of a page; false: its device is being taken away. One step. */
export function* getDevPagemap(k: Kernel, pfn: Pfn): Steps<boolean> {
  const word = pgmapWord(deviceKind(k, pfn));
  yield WRITE | kmemAt(word);
  touchAlso(k, WRITE | kmemAt(word + 1));
  if (k.kmem[word] !== PGMAP.live) return false;
  k.kmem[word + 1] += 1;
  return true;
}

/** put_dev_pagemap(). */
export function* putDevPagemap(k: Kernel, pfn: Pfn): Steps<void> {
  const word = pgmapWord(deviceKind(k, pfn)) + 1;
  yield WRITE | kmemAt(word);
  k.kmem[word] -= 1;
}

/** dax_alive(): faults may still map pages of this kind. Part of the step under way. */
export function deviceAlive(k: Kernel, kind: number): boolean {
  touchAlso(k, READ | kmemAt(pgmapWord(kind)));
  return k.kmem[pgmapWord(kind)] === PGMAP.live;
}

/** Whoever still uses a page structure that went with its device reads what is not there any more. */
export function checkDevicePage(k: Kernel, pfn: Pfn): void {
  const kind = deviceKind(k, pfn);
  if (kind === DEVICE.none) return;
  touchAlso(k, READ | kmemAt(pgmapWord(kind)));
  if (k.kmem[pgmapWord(kind)] === PGMAP.gone) bug(k, BUG.useAfterFree, pfn);
}

/**
 * free_zone_device_folio(): the last reference of a device folio is gone. Device memory never goes to the page allocator;
 * whoever waits for the page to be idle looks at its count.
 */
export function* freeDeviceFolio(k: Kernel, folio: Folio): Steps<void> {
  const kind = deviceKind(k, folio);
  if (kind === DEVICE.private || kind === DEVICE.p2pdma) {
    k.page.flags[folio] = 0;
    k.page.mapping[folio] = 0;
    k.page.index[folio] = 0;
    return;
  }
  if (!countsPages(k, kind)) return;
  const word = pgmapWord(kind);
  yield WRITE | kmemAt(word + 1);
  if (k.kmem[word] === PGMAP.live) bug(k, BUG.refUnderflow, folio);
  k.kmem[word + 1] -= 1;
}

/** Says that no new reference and no new mapping may be had (kill_dax, percpu_ref_kill). One step. */
export function* killDevPagemap(k: Kernel, kind: number): Steps<void> {
  yield WRITE | kmemAt(pgmapWord(kind));
  k.kmem[pgmapWord(kind)] = PGMAP.dying;
}

/**
 * memunmap_pages(): gives the base references back, waits until nobody has the page map, and takes the page structures away.
 * Nothing maps the pages any more.
 */
export function* memunmapPages(k: Kernel, kind: number): Steps<void> {
  const start = deviceStart(k, kind);
  const step = deviceFolioPages(k, kind);
  if (countsPages(k, kind)) {
    for (let i = 0; i < k.zoneDevice.quarter; i += step) {
      const last = yield* refSubAndTest(k, start + i, 1);
      if (last) yield* freeDeviceFolio(k, start + i);
    }
  }
  yield WAIT_ZERO | kmemAt(pgmapWord(kind) + 1);
  yield WRITE | kmemAt(pgmapWord(kind));
  k.kmem[pgmapWord(kind)] = PGMAP.gone;
}
