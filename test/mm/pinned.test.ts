import { expect, test } from 'vitest';
import { DESIGNS, designRules } from '../../src/kernels/index.ts';
import { bootKernel, MMF } from '../../src/mm/kernel.ts';
import { folioMaybeDmaPinned, folioNeedsCowForDma } from '../../src/mm/pinned.ts';
import { folioOf, pinBoot } from './pin-builder.ts';
import { boot, run } from './run.ts';

test('A.11.1 a small folio is maybe pinned from 1024 references on, whoever holds them', () => {
  const { k } = boot('6.12');
  const folio = folioOf(k, 0);
  for (const [references, pinned] of [
    [1023, false],
    [1024, true],
    [-1, true],
  ] as const) {
    k.page.refcount[folio] = references;
    expect(run(folioMaybeDmaPinned(k, folio))).toBe(pinned);
  }
});

test('A.11.1 a large folio is asked for its pin count alone', () => {
  const { k } = boot('6.12');
  const folio = folioOf(k, 9);
  k.page.refcount[folio] = 5000;
  expect(run(folioMaybeDmaPinned(k, folio))).toBe(false);
  k.page.private[folio + 1] = 1;
  expect(run(folioMaybeDmaPinned(k, folio))).toBe(true);
});

test('A.11.2 fork asks only where the mm ever pinned', () => {
  const { k, mm, vma, pfns } = pinBoot('6.12', 1);
  const folio = pfns[0] ?? 0;
  k.page.refcount[folio] = 2000;
  expect(run(folioNeedsCowForDma(k, vma, folio))).toBe(false);
  k.mm.flags[mm] = MMF.hasPinned;
  expect(run(folioNeedsCowForDma(k, vma, folio))).toBe(true);
});

test('S10 before 5.7 nothing tells a pin', () => {
  const { k } = boot('5.6');
  const folio = folioOf(k, 0);
  k.page.refcount[folio] = 5000;
  expect(run(folioMaybeDmaPinned(k, folio))).toBe(false);
});

test('B.2 the proposal of 2019 compares the signed count', () => {
  const design = DESIGNS.find((d) => d.name === 'bias-2019');
  if (design === undefined) throw new Error('no design bias-2019');
  const k = bootKernel({ rules: designRules(design) });
  const folio = folioOf(k, 9);
  k.page.refcount[folio] = 1024;
  expect(run(folioMaybeDmaPinned(k, folio))).toBe(true);
  k.page.refcount[folio] = -1;
  expect(run(folioMaybeDmaPinned(k, folio))).toBe(false);
});
