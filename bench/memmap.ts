/**
 * `memmap`: the page structures of device memory (seed E4): what the kernel keeps of them, by arithmetic, and what this
 * engine touches of its own to describe the same memory, counted in pages of its arrays that hold anything.
 */
import { rulesFor } from '../src/kernels/index.ts';
import { bootKernel, type Kernel } from '../src/mm/kernel.ts';
import { printTable } from './measure.ts';

/** Described: 1 GiB a kind of device memory, in pages; the table says it for 1 TiB. */
const QUARTER = 1 << 18;
const PER_TIB = 2 ** 28 / QUARTER;
const PAGE = 4096;
const STRUCT_PAGE = 64;
const MIB = 2 ** 20;

/** Bytes of the engine's arrays of page structures, in whole pages, that hold anything for the frames [first, first + n). */
function touched(k: Kernel, first: number, n: number): number {
  let pages = 0;
  for (const words of Object.values(k.page) as Int32Array[]) {
    for (let at = first; at < first + n; at += PAGE / 4)
      if (words.subarray(at, at + PAGE / 4).some((word) => word !== 0)) pages++;
  }
  return pages * PAGE;
}

/** Device-dax memory as a kernel makes it; bytes a TiB. */
function engine(kernel: string): number {
  const k = bootKernel({
    rules: rulesFor(kernel),
    areas: [{ pages: QUARTER }, { pages: 4 * QUARTER, device: true }],
    slots: 1024,
  });
  const { first, quarter } = k.zoneDevice;
  return touched(k, first + quarter, quarter) * PER_TIB;
}

/** Bytes of struct page that a TiB keeps, when compound pages of so many pages keep `kept` pages of them each. */
function kernelKeeps(pages: number, kept: number): number {
  return (2 ** 28 / pages) * kept * PAGE;
}

const inMiB = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

/** Prints the table. */
export function memmap(): void {
  console.log('memmap: page structures of 1 TiB of device-dax memory, nothing of it mapped');
  const whole = (2 ** 28 / PAGE) * STRUCT_PAGE * PAGE;
  printTable(
    ['', 'kernel keeps', 'engine touches'],
    [
      ['a structure for each 4 KiB (5.16)', inMiB(whole), inMiB(engine('5.16'))],
      ['compound pages of 2 MiB (5.17)', inMiB(whole), inMiB(engine('5.17'))],
      ['the same, tails shared (5.19)', inMiB(kernelKeeps(512, 2)), '-'],
      ['compound pages of 1 GiB, tails shared', inMiB(kernelKeeps(1 << 18, 2)), '-'],
    ],
  );
  console.log(
    '  Kernel: 64 bytes a page; of each compound page two pages of structures stay where tails',
  );
  console.log(
    '  are shared. Engine: 40 bytes a page are described, in memory only where they are not 0.',
  );
}
