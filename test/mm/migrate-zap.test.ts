import { describe, expect, test } from 'vitest';
import { GFP } from '../../src/machine/buddy.ts';
import { accessEnabled } from '../../src/machine/enabled.ts';
import type { Steps } from '../../src/machine/types.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { isolateFolio, migrateFolio } from '../../src/mm/migrate.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { boot, run } from './run.ts';

const AT = 0x1000;

describe('A.19.1 migration', () => {
  test('the page counts as anonymous memory wherever a zap comes between', () => {
    let places = 0;
    for (let after = 0; ; after++) {
      const { k, task, mm } = boot('6.12', { areas: [{ pages: 512 }] });
      const flags = MAP.private | MAP.anonymous | MAP.fixed;
      run(sysMmap(k, task, AT, 2, PROT.read | PROT.write, flags, 0, 0));
      const page = run(userAccess(k, task, AT, true));
      run(userAccess(k, task, AT + 1, true));
      run(isolateFolio(k, page));
      const move = migrateFolio(k, page, GFP.movable, 0);
      let over = false;
      for (let i = 0; i < after && !over; i++) over = move.next().done === true;
      if (over) break;
      // A zap that would have to wait for the migration's locks comes at another place.
      if (!runIfFree(k, sysMadvise(k, task, AT, 1, MADV.dontneed))) continue;
      run(move);
      expect([k.mm.anonRss[mm], k.mm.fileRss[mm]], `after ${after} steps`).toEqual([1, 0]);
      places++;
    }
    expect(places).toBeGreaterThan(10);
  });

  type Machine = ReturnType<typeof boot>['k'];

  function runIfFree(k: Machine, steps: Steps<number>): boolean {
    for (;;) {
      const next = steps.next();
      if (next.done === true) return true;
      if (!accessEnabled(k, next.value)) return false;
    }
  }
});
