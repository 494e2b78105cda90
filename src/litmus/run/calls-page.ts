/** What a driver asks of a page and does to it, and the context it runs in. */
import { at, LOCK, R, READ, UNLOCK, WRITE } from '../../machine/access.ts';
import { flagsRead, mapcountRead, refRead } from '../../machine/atomic.ts';
import { pageByte, setPageByte } from '../../machine/contents.ts';
import { irqOff, irqOn } from '../../machine/irq.ts';
import { folioLock, folioUnlock } from '../../machine/locks.ts';
import { PG } from '../../machine/page.ts';
import { BUG, bug } from '../../machine/report.ts';
import type { Folio, Pfn, Steps, TaskId } from '../../machine/types.ts';
import { checkDevicePage } from '../../mm/dev-pagemap.ts';
import { entireMapcount, folioGet, headOf, isLarge } from '../../mm/folio.ts';
import { folioMaybeDmaPinned } from '../../mm/pinned.ts';
import { anonExclusiveRead, folioMapcountRead } from '../../mm/rmap.ts';
import { setPageDirty, setPageDirtyLock } from '../../mm/set-dirty.ts';
import { CALL } from './call-ids.ts';
import type { Lit } from './program.ts';
import { argInt } from './values.ts';

export function* callPage(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  switch (id) {
    case CALL.local_irq_disable:
      yield* irqOff(k, k.task.cpu[task]);
      return 0;
    case CALL.local_irq_enable:
      yield* irqOn(k, k.task.cpu[task]);
      return 0;
    case CALL.spin_lock:
      yield LOCK | at(R.spare, argInt(k, pc, 0));
      k.lit.locks[argInt(k, pc, 0)] = -1;
      k.spinDepth[k.task.cpu[task]] += 1;
      return 0;
    case CALL.spin_unlock:
      yield UNLOCK | at(R.spare, argInt(k, pc, 0));
      if (k.lit.locks[argInt(k, pc, 0)] === 0) bug(k, BUG.badUnlock, argInt(k, pc, 0));
      else k.spinDepth[k.task.cpu[task]] -= 1;
      k.lit.locks[argInt(k, pc, 0)] = 0;
      return 0;
    default:
      return yield* onPage(k, pc, id);
  }
}

function* onPage(k: Lit, pc: number, id: number): Steps<number> {
  const pfn = argInt(k, pc, 0);
  if (pfn <= 0 || pfn >= k.pages) {
    bug(k, BUG.noPage, 0);
    return 0;
  }
  const folio = headOf(k, pfn);
  switch (id) {
    case CALL.get_page:
      yield* folioGet(k, folio, 1);
      return 0;
    case CALL.page_maybe_dma_pinned:
    case CALL.folio_maybe_dma_pinned:
    case CALL.page_dma_pinned:
      if (yield* folioMaybeDmaPinned(k, folio)) return 1;
      return 0;
    case CALL.page_ref_count:
    case CALL.folio_ref_count:
      return yield* refRead(k, folio);
    case CALL.page_mapcount:
      return yield* pageMapcountRead(k, pfn);
    case CALL.folio_mapcount:
      return yield* folioMapcountRead(k, folio);
    case CALL.page_folio:
      return folio;
    case CALL.page_to_pfn:
      return pfn;
    case CALL.page_read:
      yield READ | at(R.content, pfn);
      reportIfFree(k, folio);
      return pageByte(k, pfn, offsetInPage(k, pc, pfn));
    case CALL.page_write:
      yield WRITE | at(R.content, pfn);
      reportIfFree(k, folio);
      setPageByte(k, pfn, offsetInPage(k, pc, pfn), argInt(k, pc, 2));
      return 0;
    default:
      return yield* onFlags(k, pfn, id);
  }
}

/** Byte of the page that an access means; one outside it is reported. */
function offsetInPage(k: Lit, pc: number, pfn: Pfn): number {
  const off = argInt(k, pc, 1);
  if (off < 0 || off > 4095) bug(k, BUG.outOfPage, pfn);
  return off & 4095;
}

/** A device that still has the address of a page that was freed reads or spoils what is not its own any more. */
function reportIfFree(k: Lit, folio: Folio): void {
  checkDevicePage(k, folio);
  if (k.page.refcount[folio] <= 0) bug(k, BUG.useAfterFree, folio);
}

/** Mappings of this very page: by PTE, and of the whole folio by larger entries. */
function* pageMapcountRead(k: Lit, pfn: Pfn): Steps<number> {
  const folio = headOf(k, pfn);
  const own = yield* mapcountRead(k, pfn);
  return isLarge(k, folio) ? own + entireMapcount(k, folio) : own;
}

function* onFlags(k: Lit, pfn: Pfn, id: number): Steps<number> {
  const folio = headOf(k, pfn);
  switch (id) {
    case CALL.PageAnonExclusive:
      if (yield* anonExclusiveRead(k, pfn)) return 1;
      return 0;
    case CALL.set_page_dirty:
      yield* setPageDirty(k, pfn);
      return 1;
    case CALL.set_page_dirty_lock:
      yield* setPageDirtyLock(k, pfn);
      return 1;
    case CALL.lock_page:
      yield* folioLock(k, folio);
      return 0;
    case CALL.unlock_page:
      yield* folioUnlock(k, folio);
      return 0;
    default: {
      const bit = id === CALL.PageDirty ? PG.dirty : PG.swapcache;
      const flags = yield* flagsRead(k, folio);
      return (flags & bit) === 0 ? 0 : 1;
    }
  }
}
