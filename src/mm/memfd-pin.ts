/**
 * Pinning the folios of a memory file, no mapping needed (mm/gup.c: memfd_pin_folios(), mm/memfd.c:
 * memfd_alloc_folio()); udmabuf and iommufd. Rules: semantics.md A.29, S38.
 */
import { GFP } from '../machine/buddy.ts';
import { EAGAIN, EINVAL, ENOMEM } from '../machine/errno.ts';
import { folioUnlock } from '../machine/locks.ts';
import { PAGE_SHIFT, PG } from '../machine/page.ts';
import type { FileId, Folio, Steps, TaskId } from '../machine/types.ts';
import { FILE } from './file-tables.ts';
import { filemapAddFolio, filemapGetFolio } from './filemap.ts';
import { folioPut, nrPages } from './folio.ts';
import { FOLL } from './foll.ts';
import { tryGrabFolio } from './grab.ts';
import { checkAndMigrateMovable, memallocPinRestore, memallocPinSave } from './gup-longterm.ts';
import { allocHugetlbReserved, commitHugetlbFolio } from './hugetlb.ts';
import { hugetlbReserveIndex, hugetlbUnreserveFile } from './hugetlb-resv.ts';
import type { Kernel } from './kernel.ts';
import { shmemGetFolio } from './shmem.ts';
import { unpinFolios } from './unpin.ts';

/**
 * memfd_pin_folios(): pins each folio that holds bytes [start, end] (end included) of a memory file
 * once, whatever its size, and stores their heads at `folios`, at most `max` of them. The byte
 * offset of `start` in the first folio goes to `k.kmem[offset]`. Holes are filled. Returns how many
 * folios; -EINVAL; -ENOMEM. Release with `unpinFolios`. Byte positions stay below 2^31 here.
 */
export function* memfdPinFolios(
  k: Kernel,
  task: TaskId,
  file: FileId,
  start: number,
  end: number,
  folios: number,
  max: number,
  offset: number,
): Steps<number> {
  if (start < 0 || start > end || max <= 0) return -EINVAL;
  const kind = file === 0 ? FILE.none : k.file.kind[file];
  if (kind !== FILE.shmem && kind !== FILE.hugetlbfs) return -EINVAL;
  if (end >= fileBytes(k, file)) return -EINVAL;
  const outer = memallocPinSave(k, task);
  let result = 0;
  let checked = 0;
  do {
    result = yield* pinFolios(k, file, start, end, folios, max, offset);
    checked = 0;
    if (result > 0) checked = yield* checkAndMigrateMovable(k, folios, result, FOLL.pin);
  } while (checked === -EAGAIN);
  memallocPinRestore(k, task, outer);
  return checked !== 0 ? checked : result;
}

/** i_size: `tail` bytes of the last page count, all of it where `tail` is 0. */
function fileBytes(k: Kernel, file: FileId): number {
  const tail = k.file.tail[file];
  const whole = k.file.pages[file] * 2 ** PAGE_SHIFT;
  return tail === 0 ? whole : whole - 2 ** PAGE_SHIFT + tail;
}

/** One round over the file: folios pinned, or -errno with nothing pinned. */
function* pinFolios(
  k: Kernel,
  file: FileId,
  start: number,
  end: number,
  folios: number,
  max: number,
  offset: number,
): Steps<number> {
  const last = end >> PAGE_SHIFT;
  let index = start >> PAGE_SHIFT;
  let nr = 0;
  while (index <= last && nr < max) {
    const folio = yield* memfdFolio(k, file, index);
    if (folio === 0) {
      yield* unpinFolios(k, folios, nr);
      return -ENOMEM;
    }
    const error = yield* tryGrabFolio(k, folio, 1, FOLL.pin);
    yield* folioPut(k, folio, 1);
    if (error !== 0) {
      yield* unpinFolios(k, folios, nr);
      return -EINVAL;
    }
    const inFolio = index & (nrPages(k, folio) - 1);
    if (nr === 0) k.kmem[offset] = (inFolio << PAGE_SHIFT) + (start & ((1 << PAGE_SHIFT) - 1));
    k.kmem[folios + nr] = folio;
    nr += 1;
    index += nrPages(k, folio) - inFolio;
  }
  return nr;
}

/** The folio of page `index`, made if there is none, with one reference; 0: out of memory. */
function* memfdFolio(k: Kernel, file: FileId, index: number): Steps<Folio> {
  if (k.file.kind[file] === FILE.shmem)
    return yield* shmemGetFolio(k, file, index, true, GFP.pinnable);
  for (;;) {
    const found = yield* filemapGetFolio(k, file, index);
    if (found !== 0) return found;
    const order = k.file.order[file];
    const at = index >> order;
    const reserved = yield* hugetlbReserveIndex(k, file, at);
    if (reserved < 0) return 0;
    const fresh = yield* allocHugetlbReserved(k, order, GFP.movable | GFP.pinnable);
    let error = -ENOMEM;
    if (fresh !== 0) {
      k.page.flags[fresh] |= PG.uptodate;
      error = yield* filemapAddFolio(k, fresh, file, at << order);
      if (error === 0) {
        commitHugetlbFolio(k, fresh);
        yield* folioUnlock(k, fresh);
        return fresh;
      }
      yield* folioPut(k, fresh, 1);
    }
    if (error === -ENOMEM && reserved === 1) yield* hugetlbUnreserveFile(k, file, at, at + 1, 0);
    if (error === -ENOMEM) return 0;
  }
}
