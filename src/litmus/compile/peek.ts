/** Looking at a machine that stands still: memory as a process would see it, and the page behind an address. */

import { pageByte } from '../../machine/contents.ts';
import { isSwapEntry, PTE, SWP, swpOffset, swpType } from '../../machine/entry.ts';
import { leafPfn, walkLeaf } from '../../machine/mmu.ts';
import type { MmId, Pfn, Vpn } from '../../machine/types.ts';
import { insideFile } from '../../mm/filemap.ts';
import { cacheSlot } from '../../mm/page-cache.ts';
import { linearIndex } from '../../mm/rmap.ts';
import { vmaAt } from '../../mm/vma.ts';
import type { Lit } from '../run/program.ts';

const PAGE_SIZE = 4096;
const PAGE_WORDS = 1024;

/** Page mapped at `vpn`, 0: none present. */
export const pageAt = (k: Lit, mm: MmId, vpn: Vpn): Pfn => (mm === 0 ? 0 : leafPfn(k, mm, vpn));

/** Low and high word of the leaf entry, 0 0 when there is none. */
export const entryOf = (k: Lit, mm: MmId, vpn: Vpn): readonly [number, number] => {
  const e = mm === 0 ? 0 : walkLeaf(k, mm, vpn);
  return e === 0 ? [0, 0] : [k.contents[e] ?? 0, k.contents[e + 1] ?? 0];
};

/** One byte at an address of `mm`; NaN where the process would get a signal. */
const peekByte = (k: Lit, mm: MmId, address: number): number => {
  const vpn = Math.floor(address / PAGE_SIZE);
  const off = address % PAGE_SIZE;
  const vma = mm === 0 ? 0 : vmaAt(k, mm, vpn);
  if (vma === 0) return Number.NaN;
  const [lo, hi] = entryOf(k, mm, vpn);
  if ((lo & (PTE.present | PTE.protnone)) !== 0) return pageByte(k, leafPfn(k, mm, vpn), off);
  if (isSwapEntry(lo, hi)) {
    const type = swpType(hi);
    const target = swpOffset(lo, hi);
    if (type === SWP.hwpoison || type === SWP.guard) return Number.NaN;
    return type === SWP.swap ? swapByte(k, target, off) : pageByte(k, target, off);
  }
  const file = k.vma.file[vma] ?? 0;
  if (file === 0) return 0;
  const index = linearIndex(k, vma, vpn);
  // SIGBUS behind the end of the file.
  if (!insideFile(k, file, index)) return Number.NaN;
  const slot = cacheSlot(k, file, index);
  if (slot === 0) return 0;
  return slot < 0 ? swapByte(k, -slot, off) : pageByte(k, slot, off);
};

const swapByte = (k: Lit, slot: number, off: number): number => {
  const cached = k.swap.cache[slot] ?? 0;
  if (cached !== 0) return pageByte(k, cached, off);
  return ((k.swap.data[slot * PAGE_WORDS + (off >>> 2)] ?? 0) >>> ((off & 3) * 8)) & 255;
};

/** A C integer at an address, little-endian; NaN where nothing can be read. */
export const peek = (k: Lit, mm: MmId, address: number, size: number, signed: boolean): number => {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + peekByte(k, mm, address + i);
  const limit = 2 ** (8 * size - 1);
  return signed && value >= limit ? value - 2 * limit : value;
};
