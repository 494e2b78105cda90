import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import type { Steps } from '../../src/machine/types.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { filePread, filePwrite } from '../../src/mm/file-io.ts';
import { filePut } from '../../src/mm/file-refs.ts';
import { FALLOC, sysFallocate, sysFtruncate } from '../../src/mm/file-size.ts';
import { type Kernel, newTask } from '../../src/mm/kernel.ts';
import { isolateLru } from '../../src/mm/lru.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { addSeals, MFD, SEAL, sysMemfdCreate } from '../../src/mm/memfd.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { sysMprotect } from '../../src/mm/mprotect.ts';
import { MREMAP, sysMremap } from '../../src/mm/mremap.ts';
import { reclaimFolio, shrinkLruPages } from '../../src/mm/vmscan.ts';
import { interleave } from './interleave.ts';
import { boot, run } from './run.ts';

const RW = PROT.read | PROT.write;

/** Threads of one process with `file` (two pages) mapped shared at `at`, private at `copy`, and memory at `buf`. */
interface Place {
  readonly k: Kernel;
  readonly file: number;
  readonly at: number;
  readonly copy: number;
  readonly buf: number;
}

const calls: Record<string, (p: Place, task: number) => Steps<number>> = {
  read: (p, task) => userAccess(p.k, task, p.at + 1, false),
  write: (p, task) => userAccess(p.k, task, p.at + 1, true),
  copy: (p, task) => userAccess(p.k, task, p.copy + 1, true),
  anon: (p, task) => userAccess(p.k, task, p.buf + 1, true),
  shrink: (p) => sysFtruncate(p.k, p.file, 1, 10),
  punch: (p) => sysFallocate(p.k, p.file, FALLOC.punchHole | FALLOC.keepSize, 0, 0, 2, 0),
  fill: (p) => sysFallocate(p.k, p.file, FALLOC.keepSize, 0, 0, 3, 0),
  pread: (p, task) => filePread(p.k, task, p.file, 0, 4000, 200, p.buf, 0),
  pwrite: (p, task) => filePwrite(p.k, task, p.file, 0, 4000, 200, p.buf, 0),
  seal: (p) => addSeals(p.k, p.file, SEAL.futureWrite | SEAL.grow),
  dontneed: (p, task) => sysMadvise(p.k, task, p.at, 2, MADV.dontneed),
  remove: (p, task) => sysMadvise(p.k, task, p.at + 1, 1, MADV.remove),
  munmap: (p, task) => sysMunmap(p.k, task, p.copy + 1, 1),
  mprotect: (p, task) => sysMprotect(p.k, task, p.copy, 1, PROT.read),
  mremap: (p, task) =>
    sysMremap(p.k, task, p.at + 1, 1, 1, MREMAP.mayMove | MREMAP.fixed, p.buf - 20),
  reclaim: (p) => reclaimFile(p.k, p.file),
};

/** Reclaim of the file's second page, if it has one now. */
function* reclaimFile(k: Kernel, file: number): Steps<number> {
  for (let pfn = 1; pfn < k.pages; pfn++) {
    if (k.page.mapping[pfn] !== file << 2 || k.page.index[pfn] !== 1 || k.page.refcount[pfn] <= 0)
      continue;
    const isolated = yield* isolateLru(k, pfn);
    if (!isolated) return 0;
    const done = yield* reclaimFolio(k, pfn);
    return Number(done);
  }
  return 0;
}

describe('memory calls against each other', () => {
  const names = Object.keys(calls);
  test.each(['4.4', '6.12'])(
    'A.31 any interleaving ends, without a BUG, and nothing is left over (%s)',
    (version) => {
      fc.assert(
        fc.property(
          fc.array(fc.constantFrom(...names), { minLength: 2, maxLength: 4 }),
          fc.array(fc.nat(11), { minLength: 200, maxLength: 200 }),
          (threads, picks) => {
            const { k, task } = boot(version, { areas: [{ pages: 512 }], vmas: 64, swapPages: 8 });
            const free = freePageCount(k);
            const file = run(sysMemfdCreate(k, MFD.allowSealing));
            run(sysFtruncate(k, file, 2, 0));
            const at = run(sysMmap(k, task, 0, 2, RW, MAP.shared | MAP.populate, file, 0));
            const copy = run(sysMmap(k, task, 0, 2, RW, MAP.private, file, 0));
            const buf = run(sysMmap(k, task, 0, 2, RW, MAP.private | MAP.anonymous, 0, 0));
            const mm = k.task.mm[task] ?? 0;
            const tasks = threads.map((_, i) => (i === 0 ? task : newTask(k, mm, i)));
            const place = { k, file, at, copy, buf };
            const paths = threads.map((name, i) =>
              (calls[name] as (typeof calls)['read'])(place, tasks[i] ?? 0),
            );
            let turn = 0;
            interleave(k, paths, () => picks[turn++ % picks.length] ?? 0);
            expect(k.report[0]).toBe(0);
            run(exitMm(k, task));
            run(filePut(k, file));
            expect(k.report[0]).toBe(0);
            // A page that was locked when its last swap user went stays in the swap cache for reclaim to find.
            run(shrinkLruPages(k, 8));
            // The top table was there before.
            expect(freePageCount(k)).toBe(free + 1);
            expect(k.swap.map.every((count) => count === 0)).toBe(true);
          },
        ),
        { numRuns: 300 },
      );
    },
  );
});
