/** Moving huge pages (hugetlb) to other addresses of the same process (hugetlb.c: move_hugetlb_page_tables). */
import { R } from '../machine/access.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { isNone } from '../machine/entry.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { EntryAddr, Steps, VmaId, Vpn } from '../machine/types.ts';
import { hugeEntry, hugeEntryAlloc, vmaHugeOrder } from './hugetlb.ts';
import type { Kernel } from './kernel.ts';
import { pteLock, pteUnlock, tableOf } from './pgtable.ts';

/**
 * Moves the entries of `nr` pages (whole huge pages) from `from` in `source` to `to` in `target`. Returns how many pages
 * it got through: fewer when memory for tables ran out. The caller holds mmap_lock exclusively; the file's lock keeps
 * truncation and reverse mapping walks away.
 */
export function* moveHugetlbEntries(
  k: Kernel,
  source: VmaId,
  target: VmaId,
  from: Vpn,
  to: Vpn,
  nr: number,
): Steps<number> {
  const order = vmaHugeOrder(k, source);
  const mm = k.vma.mm[source];
  let done = 0;
  yield* lock(k, R.inodeLock, k.vma.file[source]);
  while (done < nr) {
    const old = hugeEntry(k, mm, from + done, order);
    if (old !== 0) {
      const lo = yield* entryRead(k, old);
      if (!isNone(lo, entryHi(k, old))) {
        const e = yield* hugeEntryAlloc(k, mm, to + done, order);
        if (e === 0) break;
        yield* moveEntry(k, old, e);
      }
    }
    done += 1 << order;
  }
  yield* flushTlbRange(k, k.vma.mm[target], from, from + done);
  yield* unlock(k, R.inodeLock, k.vma.file[source]);
  return done;
}

/** move_huge_pte(): under both tables' locks. */
function* moveEntry(k: Kernel, old: EntryAddr, e: EntryAddr): Steps<void> {
  const twoTables = tableOf(k, old) !== tableOf(k, e);
  yield* pteLock(k, e);
  if (twoTables) yield* pteLock(k, old);
  const hi = entryHi(k, old);
  const lo = yield* entryClear(k, old);
  yield* entrySet(k, e, lo, hi);
  if (twoTables) yield* pteUnlock(k, old);
  yield* pteUnlock(k, e);
}
