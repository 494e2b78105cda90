import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ENOMEM } from '../../src/machine/errno.ts';
import { BUG, WARN } from '../../src/machine/report.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { folioAddPin, gupPutFolio, tryGrabFolio, tryGrabFolioFast } from '../../src/mm/grab.ts';
import { folioMaybeDmaPinned } from '../../src/mm/pinned.ts';
import { counts, folioOf, pinStat } from './pin-builder.ts';
import { boot, run } from './run.ts';

describe('A.9 what a grab counts', () => {
  test.each([
    ['GET, small', FOLL.get, 0, 3, [4, 0], [0, 0]],
    ['PIN, small', FOLL.pin, 0, 3, [1 + 3 * 1024, 0], [3, 0]],
    ['GET, large', FOLL.get, 9, 512, [513, 0], [0, 0]],
    ['PIN, large', FOLL.pin, 9, 512, [513, 512], [512, 0]],
    ['PIN, order 1', FOLL.pin, 1, 2, [3, 2], [2, 0]],
  ] as const)('%s', (_, flags, order, n, after, stat) => {
    const { k } = boot('6.12');
    for (const fast of [false, true]) {
      const folio = folioOf(k, order);
      const before = pinStat(k);
      if (fast) expect(run(tryGrabFolioFast(k, folio, n, flags))).toBe(folio);
      else expect(run(tryGrabFolio(k, folio, n, flags))).toBe(0);
      expect(counts(k, folio)).toEqual(after);
      expect(pinStat(k)).toEqual([before[0] + stat[0], before[1]]);
      run(gupPutFolio(k, folio, n, flags));
      expect(counts(k, folio)).toEqual([1, 0]);
    }
  });

  test('A.9.4 order 1 has no pin count from 5.7 to 5.17', () => {
    for (const [name, references, pins] of [
      ['5.17', 1 + 2048, 0],
      ['5.18', 3, 2],
    ] as const) {
      const { k } = boot(name);
      const folio = folioOf(k, 1);
      run(tryGrabFolio(k, folio, 2, FOLL.pin));
      expect(counts(k, folio)).toEqual([references, pins]);
      expect(run(folioMaybeDmaPinned(k, folio))).toBe(true);
    }
  });

  test('S10 in 5.6 a pin is a reference', () => {
    const { k } = boot('5.6');
    const folio = folioOf(k, 0);
    run(tryGrabFolio(k, folio, 1, FOLL.pin));
    expect(counts(k, folio)).toEqual([2, 0]);
    expect(pinStat(k)).toEqual([0, 0]);
    run(gupPutFolio(k, folio, 1, FOLL.pin));
    expect(counts(k, folio)).toEqual([1, 0]);
  });

  test('S11 the page of zeros is counted until 6.4 and left alone since 6.5', () => {
    for (const [name, references, acquired] of [
      ['6.4', 1025, 1],
      ['6.5', 1, 0],
    ] as const) {
      const { k } = boot(name);
      k.page.refcount[k.zeroPfn] = 1;
      expect(run(tryGrabFolioFast(k, k.zeroPfn, 1, FOLL.pin))).toBe(k.zeroPfn);
      expect(k.page.refcount[k.zeroPfn]).toBe(references);
      expect(pinStat(k)[0]).toBe(acquired);
      run(gupPutFolio(k, k.zeroPfn, 1, FOLL.pin));
      expect(k.page.refcount[k.zeroPfn]).toBe(1);
    }
  });
});

describe('A.9.3 overflow', () => {
  test('2097151 pins fit beside one mapping, one more makes the count negative, the next is refused', () => {
    const { k } = boot('6.12');
    const folio = folioOf(k, 0);
    expect(run(tryGrabFolio(k, folio, 2097151, FOLL.pin))).toBe(0);
    expect(k.page.refcount[folio]).toBe(2 ** 31 - 1023);
    expect(run(tryGrabFolio(k, folio, 1, FOLL.pin))).toBe(0);
    expect(k.page.refcount[folio]).toBe(-(2 ** 31) + 1);
    expect(run(tryGrabFolio(k, folio, 1, FOLL.pin))).toBe(-ENOMEM);
    expect(run(tryGrabFolio(k, folio, 1, FOLL.get))).toBe(-ENOMEM);
    expect(run(tryGrabFolioFast(k, folio, 1, FOLL.pin))).toBe(0);
    expect(k.page.refcount[folio]).toBe(-(2 ** 31) + 1);
    expect((k.report[2] ?? 0) & WARN.refOverflow).toBe(WARN.refOverflow);
  });

  test('S30 before 5.1 a negative count stops nobody', () => {
    const { k } = boot('5.0');
    const folio = folioOf(k, 0);
    k.page.refcount[folio] = -5;
    expect(run(tryGrabFolio(k, folio, 1, FOLL.get))).toBe(0);
    expect(run(tryGrabFolioFast(k, folio, 1, FOLL.get))).toBe(folio);
    expect(k.page.refcount[folio]).toBe(-3);
  });

  test('B.2 the 2019 check reads an overflowed count as not pinned, later ones as pinned', () => {
    const { k } = boot('6.12');
    const folio = folioOf(k, 0);
    k.page.refcount[folio] = -1024;
    expect(run(folioMaybeDmaPinned(k, folio))).toBe(true);
  });
});

test('A.9.2 the fast grab refuses a free page', () => {
  const { k } = boot('6.12');
  const folio = folioOf(k, 0);
  k.page.refcount[folio] = 0;
  expect(run(tryGrabFolioFast(k, folio, 1, FOLL.pin))).toBe(0);
  expect(counts(k, folio)).toEqual([0, 0]);
  expect(pinStat(k)).toEqual([0, 0]);
});

test('A.9.2 a grab without GET or PIN is warned of in the fast path and takes nothing in the slow one', () => {
  const { k } = boot('6.12');
  const folio = folioOf(k, 0);
  expect(run(tryGrabFolioFast(k, folio, 1, FOLL.write))).toBe(0);
  expect((k.report[2] ?? 0) & WARN.gupArgs).toBe(WARN.gupArgs);
  expect(run(tryGrabFolio(k, folio, 1, FOLL.write))).toBe(0);
  expect(counts(k, folio)).toEqual([1, 0]);
});

describe('S17 the folio of a page changes under a fast grab', () => {
  /** Splits the folio of `tail` the moment its reference was taken. */
  function grabWhileSplit(name: string): [number, number, number] {
    const { k } = boot(name);
    const head = folioOf(k, 1);
    const tail = head + 1;
    const steps = tryGrabFolioFast(k, tail, 1, FOLL.get);
    steps.next();
    steps.next();
    k.page.compound[head] = 0;
    k.page.compound[tail] = 0;
    k.page.refcount[tail] = 1;
    const folio = run(steps);
    return [folio - head, k.page.refcount[head] ?? 0, k.page.refcount[tail] ?? 0];
  }

  test('5.13 does not notice and keeps the reference on the wrong page', () => {
    expect(grabWhileSplit('5.13')).toEqual([0, 2, 1]);
  });

  test('5.18 drops it and takes the right one', () => {
    expect(grabWhileSplit('5.18')).toEqual([1, 1, 2]);
  });
});

test('A.9.5 folio_add_pin counts no acquisition, its release counts', () => {
  const { k } = boot('6.12');
  const folio = folioOf(k, 0);
  run(tryGrabFolio(k, folio, 1, FOLL.pin));
  run(folioAddPin(k, folio));
  expect(counts(k, folio)).toEqual([2049, 0]);
  run(gupPutFolio(k, folio, 2, FOLL.pin));
  expect(pinStat(k)).toEqual([1, 2]);
});

test('A.10.8 more unpins than pins of a large folio are reported', () => {
  const { k } = boot('6.12');
  const folio = folioOf(k, 2);
  k.page.refcount[folio] = 5;
  run(gupPutFolio(k, folio, 1, FOLL.pin));
  expect([k.report[0], k.report[1]]).toEqual([BUG.pinUnderflow, folio]);
});

test('A.9.6 any mix of references and pins comes back to where it began', () => {
  const step = fc.record({
    pin: fc.boolean(),
    n: fc.integer({ min: 1, max: 40 }),
    fast: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.constantFrom('5.7', '5.17', '6.12'),
      fc.constantFrom(0, 1, 2, 9),
      fc.array(step),
      (name, order, list) => {
        const { k } = boot(name);
        const folio = folioOf(k, order);
        for (const { pin, n, fast } of list) {
          const flags = pin ? FOLL.pin : FOLL.get;
          run<number>(
            fast ? tryGrabFolioFast(k, folio, n, flags) : tryGrabFolio(k, folio, n, flags),
          );
        }
        const pins = list.reduce((sum, s) => sum + (s.pin ? s.n : 0), 0);
        if (pins > 0) expect(run(folioMaybeDmaPinned(k, folio))).toBe(true);
        for (const { pin, n } of list) run(gupPutFolio(k, folio, n, pin ? FOLL.pin : FOLL.get));
        expect(counts(k, folio)).toEqual([1, 0]);
        expect(pinStat(k)).toEqual([pins, pins]);
        expect(k.report[0]).toBe(BUG.none);
      },
    ),
    { numRuns: 30 },
  );
});
