import { describe, expect, test } from 'vitest';
import { GFP, pageNode } from '../../src/machine/buddy.ts';
import { isProtnone } from '../../src/machine/entry.ts';
import { audit, auditIdle, newHeld } from '../../src/mm/audit.ts';
import { isolateFolio, migrateFolio } from '../../src/mm/migrate.ts';
import { numaHint } from '../../src/mm/numa-balancing.ts';
import { boot, run } from './run.ts';
import { get, load, mapVma, pin, pteLo, ptePfn, RO, store } from './vma-builder.ts';

const NODES = [{ pages: 256 }, { pages: 256, node: 1 }];

function page(version: string) {
  const { k, mm, task } = boot(version, { areas: NODES, vmas: 16, tlbEntries: 8 });
  mapVma(k, mm, 100, 2);
  return { k, mm, task, pfn: store(k, task, 100, 7) };
}

describe('NUMA hints', () => {
  test.each(['5.16', '5.17', '6.9', '6.10'])('S27 %s who is passed over', (version) => {
    const hinted = (hold: (k: Parameters<typeof pin>[0], mm: number, pfn: number) => void) => {
      const { k, mm, pfn } = page(version);
      hold(k, mm, pfn);
      const done = run(numaHint(k, mm, 100));
      expect(isProtnone(pteLo(k, mm, 100))).toBe(done === 1);
      return done;
    };
    const expected = { '5.16': [1, 1, 1], '5.17': [1, 0, 0], '6.9': [1, 0, 0], '6.10': [1, 1, 0] };
    expect([hinted(() => undefined), hinted((k, _mm, pfn) => get(k, pfn)), hinted(pin)]).toEqual(
      expected[version as keyof typeof expected],
    );
  });

  test('A.19.6 the access after the hint gives the protection back and brings the page home', () => {
    const { k, mm, task, pfn } = page('6.12');
    expect(run(isolateFolio(k, pfn))).toBe(true);
    expect(run(migrateFolio(k, pfn, GFP.movable | GFP.thisNode, 1))).toBe(0);
    expect(pageNode(k, ptePfn(k, mm, 100))).toBe(1);
    expect(run(numaHint(k, mm, 100))).toBe(1);
    expect(run(numaHint(k, mm, 100))).toBe(0);
    const now = store(k, task, 100, 8);
    expect(pageNode(k, now)).toBe(0);
    expect([...audit(k, newHeld(k)), ...auditIdle(k)]).toEqual([]);
  });

  test('A.19.6 a held page gets its protection back where it is', () => {
    const { k, mm, task, pfn } = page('5.16');
    run(isolateFolio(k, pfn));
    run(migrateFolio(k, pfn, GFP.movable | GFP.thisNode, 1));
    const away = ptePfn(k, mm, 100);
    get(k, away);
    expect(run(numaHint(k, mm, 100))).toBe(1);
    expect(store(k, task, 100, 8)).toBe(away);
    const held = newHeld(k);
    held.gets[away] = 1;
    expect([...audit(k, held), ...auditIdle(k)]).toEqual([]);
  });

  test('nothing to hint: holes, the page of zeros, memory that may not be touched', () => {
    const { k, mm, task } = page('6.12');
    expect(run(numaHint(k, mm, 101))).toBe(0);
    load(k, task, 101);
    expect(run(numaHint(k, mm, 101))).toBe(0);
    expect(run(numaHint(k, mm, 500))).toBe(0);
    mapVma(k, mm, 300, 1, RO & ~1);
    expect(run(numaHint(k, mm, 300))).toBe(0);
  });
});
