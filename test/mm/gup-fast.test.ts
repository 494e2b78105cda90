import { describe, expect, test } from 'vitest';
import { accessRegion, R } from '../../src/machine/access.ts';
import { PTE } from '../../src/machine/entry.ts';
import { PG } from '../../src/machine/page.ts';
import { BUG } from '../../src/machine/report.ts';
import type { Steps } from '../../src/machine/types.ts';
import { FILE } from '../../src/mm/file-tables.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { gupFast } from '../../src/mm/gup-fast.ts';
import { pmdEntry, pteEntry } from '../../src/mm/pgtable.ts';
import { AT, counts, pinBoot, pinStat, stored } from './pin-builder.ts';
import { run } from './run.ts';

const PIN_WRITE = FOLL.pin | FOLL.write;

/** Runs `steps` until it announces its `nth` access to `region`, then `then`, then to the end. */
function interrupted<T>(steps: Steps<T>, region: number, nth: number, then: () => void): T {
  let seen = 0;
  for (;;) {
    const next = steps.next();
    if (next.done === true) throw new Error('the walk ended before that step');
    if (accessRegion(next.value) === region && ++seen === nth) break;
  }
  then();
  return run(steps);
}

describe('A.13 the lockless walk', () => {
  test('A.13.4 takes each page and leaves interrupts on', () => {
    const { k, mm, pfns, pages } = pinBoot('6.12', 4);
    expect(run(gupFast(k, 0, mm, AT, AT + 4, PIN_WRITE, pages))).toBe(4);
    expect(stored(k, pages, 4)).toEqual(pfns);
    for (const pfn of pfns) expect(counts(k, pfn)).toEqual([1025, 0]);
    expect(k.irqOff[0]).toBe(0);
    expect((k.page.flags[pfns[0] ?? 0] ?? 0) & PG.referenced).toBe(PG.referenced);
  });

  test('A.13.2 interrupts that were off stay off', () => {
    const { k, mm, pages } = pinBoot('6.12', 1);
    k.irqOff[0] = 1;
    expect(run(gupFast(k, 0, mm, AT, AT + 1, PIN_WRITE, pages))).toBe(1);
    expect(k.irqOff[0]).toBe(1);
  });

  const stops: [string, number, number, number][] = [
    ['A.13.4b PROTNONE', PTE.present, PTE.protnone, PIN_WRITE],
    ["A.13.4c not the user's", PTE.user, 0, FOLL.get],
    ['A.13.4c not writable', PTE.write, 0, PIN_WRITE],
    ['A.13.4e special', 0, PTE.special, FOLL.get],
  ];
  test.each(stops)('%s stops the walk behind the pages before it', (_, clear, set, flags) => {
    const { k, mm, pages } = pinBoot('6.12', 3);
    const e = pteEntry(k, mm, AT + 1);
    k.contents[e] = ((k.contents[e] ?? 0) & ~clear) | set;
    expect(run(gupFast(k, 0, mm, AT, AT + 3, flags, pages))).toBe(1);
  });

  test('A.13.4i a read-only entry: exclusive pages are taken, shared ones only by GET', () => {
    const { k, mm, pfns, pages } = pinBoot('6.12', 1);
    const e = pteEntry(k, mm, AT);
    k.contents[e] = (k.contents[e] ?? 0) & ~PTE.write;
    expect(run(gupFast(k, 0, mm, AT, AT + 1, FOLL.pin, pages))).toBe(1);
    const pfn = pfns[0] ?? 0;
    k.page.flags[pfn] = (k.page.flags[pfn] ?? 0) & ~PG.anonExclusive;
    expect(run(gupFast(k, 0, mm, AT, AT + 1, FOLL.pin, pages))).toBe(0);
    expect(counts(k, pfn)).toEqual([1025, 0]);
    expect(pinStat(k)).toEqual([2, 1]);
    expect(run(gupFast(k, 0, mm, AT, AT + 1, FOLL.get, pages))).toBe(1);
  });
});

describe('A.13.4g the entry changes while the page is taken', () => {
  function withChange(name: string, entry: 'pte' | 'pmd', flags = PIN_WRITE) {
    const { k, mm, pfns, pages } = pinBoot(name, 1);
    const e = entry === 'pte' ? pteEntry(k, mm, AT) : pmdEntry(k, mm, AT);
    const took = interrupted(gupFast(k, 0, mm, AT, AT + 1, flags, pages), R.refcount, 1, () => {
      k.contents[e] = (k.contents[e] ?? 0) ^ PTE.softDirty;
    });
    return [took, counts(k, pfns[0] ?? 0)[0]];
  }

  test('S15 a changed PTE: given back, but not in 4.13 on x86', () => {
    expect(withChange('6.12', 'pte')).toEqual([0, 1]);
    expect(withChange('4.14', 'pte', FOLL.get)).toEqual([0, 1]);
    expect(withChange('4.12', 'pte', FOLL.get)).toEqual([1, 2]);
  });

  test('S16 a changed PMD: noticed since 6.1', () => {
    expect(withChange('6.1', 'pmd')).toEqual([0, 1]);
    expect(withChange('6.0', 'pmd')).toEqual([1, 1025]);
  });
});

describe('S14 a fork during the walk', () => {
  test('A.13.1 an odd count: no page at all', () => {
    for (const [name, took] of [
      ['5.10', 1],
      ['5.11', 0],
      ['6.12', 0],
    ] as const) {
      const { k, mm, pages } = pinBoot(name, 1);
      k.mm.writeProtectSeq[mm] = 1;
      expect(run(gupFast(k, 0, mm, AT, AT + 1, PIN_WRITE, pages))).toBe(took);
    }
  });

  test('A.13.7 a count that moved: everything is unpinned', () => {
    const { k, mm, pfns, pages } = pinBoot('6.12', 2);
    const took = interrupted(gupFast(k, 0, mm, AT, AT + 2, PIN_WRITE, pages), R.refcount, 1, () => {
      k.mm.writeProtectSeq[mm] = 2;
    });
    expect(took).toBe(0);
    for (const pfn of pfns) expect(counts(k, pfn)).toEqual([1, 0]);
    expect(pinStat(k)).toEqual([2, 2]);
  });

  test('A.13.1 GET does not look', () => {
    const { k, mm, pages } = pinBoot('6.12', 1);
    k.mm.writeProtectSeq[mm] = 1;
    expect(run(gupFast(k, 0, mm, AT, AT + 1, FOLL.get, pages))).toBe(1);
  });
});

describe('A.13 gup_fast_folio_allowed', () => {
  /** The first page posing as one of a file of this kind. */
  function fromFile(name: string, kind: number, flags: number, extra = 0) {
    const { k, mm, pfns, pages } = pinBoot(name, 1);
    const pfn = pfns[0] ?? 0;
    k.file.kind[5] = kind;
    k.page.mapping[pfn] = 5 << 2;
    k.page.flags[pfn] = ((k.page.flags[pfn] ?? 0) & ~PG.lru) | extra;
    const took = run(gupFast(k, 0, mm, AT, AT + 1, flags, pages));
    if (took === 0) expect(counts(k, pfn)).toEqual([1, 0]);
    return took;
  }
  const LONG_WRITE = PIN_WRITE | FOLL.longterm;

  test('S18 a longterm write pin of a file page goes by the slow path since 6.5, of shmem it does not', () => {
    expect(fromFile('6.4', 99, LONG_WRITE)).toBe(1);
    expect(fromFile('6.5', 99, LONG_WRITE)).toBe(0);
    expect(fromFile('6.5', 99, PIN_WRITE)).toBe(1);
    expect(fromFile('6.5', FILE.shmem, LONG_WRITE)).toBe(1);
  });

  test('S34 secret memory: refused, but a page on no LRU list went unnoticed before 6.9', () => {
    expect(fromFile('6.8', FILE.secretmem, FOLL.get)).toBe(1);
    expect(fromFile('6.8', FILE.secretmem, FOLL.get, PG.lru)).toBe(0);
    expect(fromFile('6.9', FILE.secretmem, FOLL.get)).toBe(0);
    expect(fromFile('6.9', FILE.secretmem, FOLL.get, PG.lru)).toBe(0);
  });

  test('a truncated page is left to the slow path', () => {
    const { k, mm, pfns, pages } = pinBoot('6.12', 1);
    k.page.mapping[pfns[0] ?? 0] = 0;
    expect(run(gupFast(k, 0, mm, AT, AT + 1, FOLL.get, pages))).toBe(0);
  });
});

test('S6 in 5.8 a read needs a writable entry unless it is FAST_ONLY', () => {
  const { k, mm, pages } = pinBoot('5.8', 1);
  const e = pteEntry(k, mm, AT);
  k.contents[e] = (k.contents[e] ?? 0) & ~PTE.write;
  expect(run(gupFast(k, 0, mm, AT, AT + 1, FOLL.get, pages))).toBe(0);
  expect(run(gupFast(k, 0, mm, AT, AT + 1, FOLL.get | FOLL.fastOnly, pages))).toBe(1);
});

test('A.13 a table freed under the walk is reported', () => {
  const { k, mm, pages } = pinBoot('6.12', 1);
  const pmd = pmdEntry(k, mm, AT);
  const table = (k.contents[pmd] ?? 0) >>> 12;
  k.page.flags[table] = 0;
  run(gupFast(k, 0, mm, AT, AT + 1, FOLL.get, pages));
  expect([k.report[0], k.report[1]]).toEqual([BUG.tableFreed, table]);
});
