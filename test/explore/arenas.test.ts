import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeArena } from '../../src/explore/arenas.ts';
import { Checker } from '../../src/explore/check.ts';
import { parse } from '../../src/litmus/index.ts';

const LIBRARY = join(import.meta.dirname, '../../library');

// Small pages, a huge one, swap, memory of a device, and 1 GiB, where there are fewer contents than pages.
test.each([
  'fork/pin-fork-write',
  'thp/split-after-unpin',
  'swap/swap-out-races-a-pin',
  'device/devdax-exact-pincount',
  'hugetlb/reference-in-a-gigantic-page',
])('%s leaves an arena that is all zero', (name) => {
  const path = join(LIBRARY, `${name}.litmus`);
  const { checked } = parse(readFileSync(path, 'utf8'), path);
  if (checked === undefined) throw new Error('the test must parse');
  new Checker(checked).check('6.18');
  const arena = takeArena(1);
  // Another one would be one word long.
  expect(arena.length).toBeGreaterThan(1);
  expect(arena.findIndex((word) => word !== 0)).toBe(-1);
});
