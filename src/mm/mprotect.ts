/**
 * mprotect(2) (mm/mprotect.c: mprotect_fixup, change_protection, change_pte_range). Pins are not looked at: a device keeps
 * its access whatever the process may do now (A.22.4). Rules: semantics.md A.22.1, S63, S64.
 */
import { R } from '../machine/access.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import {
  entryPfn,
  isMigrationEntry,
  isNone,
  isPresent,
  PTE,
  SWP,
  swpHi,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { EACCES, EBUSY, EINVAL, ENOMEM } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER, HPAGE_PUD_ORDER } from '../machine/page.ts';
import type { EntryAddr, MmId, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { partsFromPins } from './coherency.ts';
import { devicePud } from './dax-insert.ts';
import { pteProt } from './fault-common.ts';
import { headOf, isAnon, pageAnonExclusive } from './folio.ts';
import { changeHugeLeaf } from './huge-memory.ts';
import { splitHugePmd } from './huge-split.ts';
import { hugetlbChangeProtection } from './hugetlb-zap.ts';
import type { Kernel } from './kernel.ts';
import { PROT } from './mmap.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { isLeaf, PUD_PAGES, pmdEntry, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { populateVma } from './populate.ts';
import { TASK_PAGES } from './unmapped-area.ts';
import { VM, vmaAt, vmaIsAnonymous, vmaWantsNotify } from './vma.ts';
import { isolateRange, mergeVma } from './vma-split.ts';

/**
 * mprotect(): -EINVAL for impossible arguments or a part of a huge page, -ENOMEM where nothing is mapped (what lies
 * before the gap is changed), -EACCES for more than the mapping may have.
 */
export function* sysMprotect(
  k: Kernel,
  task: TaskId,
  vpn: Vpn,
  nr: number,
  prot: number,
): Steps<number> {
  if ((prot & ~(PROT.read | PROT.write | PROT.exec)) !== 0 || vpn < 0 || nr < 0) return -EINVAL;
  if (nr === 0) return 0;
  if (vpn + nr > TASK_PAGES) return -ENOMEM;
  const mm = k.task.mm[task];
  yield* lock(k, R.mmapLock, mm);
  const error = yield* protectRange(k, task, mm, vpn, vpn + nr, prot);
  yield* unlock(k, R.mmapLock, mm);
  return error;
}

function* protectRange(
  k: Kernel,
  task: TaskId,
  mm: MmId,
  start: Vpn,
  end: Vpn,
  prot: number,
): Steps<number> {
  let at = start;
  while (at < end) {
    const found = vmaAt(k, mm, at);
    if (found === 0) return -ENOMEM;
    const stop = Math.min(end, k.vma.end[found]);
    const flags = (k.vma.flags[found] & ~7) | prot;
    // The MAY bits stand four above the bits that they allow.
    if ((flags & 7 & ~(flags >> 4)) !== 0) return -EACCES;
    if (flags !== k.vma.flags[found]) {
      const loses = (k.vma.flags[found] & VM.write) !== 0 && (flags & VM.write) === 0;
      if (loses) {
        const parts = yield* partsFromPins(k, mm, at, stop);
        if (parts) return -EBUSY;
      }
      const error = yield* isolateRange(k, mm, at, stop);
      if (error !== 0) return error;
      const vma = vmaAt(k, mm, at);
      const old = k.vma.flags[vma] & (VM.write | VM.shared | VM.locked);
      const becomesOwn = old === VM.locked && (flags & VM.write) !== 0;
      k.vma.flags[vma] = accounted(k, vma, flags);
      yield* changeProtection(k, vma, at, stop);
      const merged = yield* mergeVma(k, vma);
      // A locked private mapping that has become writable gets its own copies now.
      if (becomesOwn) yield* populateVma(k, task, merged, at, stop);
    }
    at = stop;
  }
  return 0;
}

/** What mprotect_fixup() makes of VM_ACCOUNT in new `flags`: mappings that differ in it do not merge. */
function accounted(k: Kernel, vma: VmaId, flags: number): number {
  const old = k.vma.flags[vma];
  if ((flags & VM.write) !== 0) {
    const no = VM.account | VM.write | VM.hugetlb | VM.shared | VM.noReserve;
    return (old & no) === 0 ? flags | VM.account : flags;
  }
  const untouched = vmaIsAnonymous(k, vma) && k.vma.anonVma[vma] === 0;
  return untouched && k.rules.mprotect.unaccount ? flags & ~VM.account : flags;
}

/**
 * change_protection(): gives the entries of [start, end) in the VMA the protection that its flags now ask for, and
 * flushes. The caller holds mmap_lock exclusively.
 */
export function* changeProtection(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<void> {
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(k, mm, start, end);
  yield* changeTold(k, vma, start, end);
  yield* invalidateEnd(k, mm, told);
}

function* changeTold(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<void> {
  if ((k.vma.flags[vma] & VM.hugetlb) !== 0) {
    yield* hugetlbChangeProtection(k, vma, start, end);
    return;
  }
  let changed = false;
  let vpn = start;
  while (vpn < end) {
    const pud = devicePud(k, vma, vpn);
    if (pud !== 0) {
      yield* changePud(k, vma, pud, vpn);
      vpn = vpn - (vpn % PUD_PAGES) + PUD_PAGES;
      continue;
    }
    const next = Math.min(end, vpn - (vpn % HPAGE_PMD_NR) + HPAGE_PMD_NR);
    const some = yield* changePmdRange(k, vma, vpn, next);
    if (some) changed = true;
    vpn = next;
  }
  if (changed) yield* flushTlbRange(k, k.vma.mm[vma], start, end);
}

/** The part of change_pud_range() for an entry of 1 GiB. Where nobody knows of it (S241) it is emptied, and translations stay. */
function* changePud(k: Kernel, vma: VmaId, e: EntryAddr, vpn: Vpn): Steps<void> {
  if (k.rules.devmap.protectPud) yield* changeHugeLeaf(k, vma, e, vpn, HPAGE_PUD_ORDER);
  else yield* entryClear(k, e);
}

/** change_pmd_range(), below one PMD entry; true: translations have to go. */
function* changePmdRange(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<boolean> {
  const pmd = pmdEntry(k, k.vma.mm[vma], start);
  if (pmd === 0) return false;
  const lo = yield* entryRead(k, pmd);
  if (isNone(lo, entryHi(k, pmd))) return false;
  if (isLeaf(lo) || isMigrationEntry(lo, entryHi(k, pmd))) {
    let huge = false;
    if (end - start === HPAGE_PMD_NR)
      huge = yield* changeHugeLeaf(k, vma, pmd, start, HPAGE_PMD_ORDER);
    if (huge) return true;
    // Nothing happens where somebody has split it meanwhile.
    yield* splitHugePmd(k, vma, pmd, start);
  }
  return yield* changePteRange(k, vma, start, end);
}

/** change_pte_range(): below one table. */
function* changePteRange(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<boolean> {
  const first = pteEntry(k, k.vma.mm[vma], start);
  if (first === 0) return false;
  let changed = false;
  yield* pteLock(k, first);
  for (let vpn = start; vpn < end; vpn++) {
    const e = first + 2 * (vpn - start);
    const hi = k.contents[e + 1];
    if (isNone(k.contents[e], hi)) continue;
    if (isPresent(k.contents[e])) {
      // Cleared meanwhile, so that no processor sets the dirty bit in between (ptep_modify_prot_start).
      const lo = yield* entryClear(k, e);
      yield* entrySet(k, e, protectedLo(k, vma, lo, hi), hi);
      changed = true;
    } else {
      yield* protectMigration(k, e);
    }
  }
  yield* pteUnlock(k, first);
  return changed;
}

/** What of an entry pte_modify() keeps. */
const KEPT = ~0xfff | PTE.accessed | PTE.dirty | PTE.pse | PTE.special | PTE.uffdWp | PTE.softDirty;

/** pte_modify(), and the write bit at once where a write fault could only grant it (can_change_pte_writable). */
function protectedLo(k: Kernel, vma: VmaId, lo: number, hi: number): number {
  const now = (lo & KEPT) | pteProt(k, vma);
  if ((lo & PTE.uffdWp) !== 0) return now & ~PTE.write;
  return mayUpgrade(k, vma, lo, hi) ? now | PTE.write : now;
}

/** can_change_shared_pte_writable(): a page that is dirty already needs no announcement (to 6.1 dirty_accountable). */
function mayUpgradeShared(k: Kernel, vma: VmaId, lo: number): boolean {
  if (!vmaWantsNotify(k, vma) || (lo & PTE.dirty) === 0) return false;
  return (k.vma.flags[vma] & VM.softDirty) !== 0 || (lo & PTE.softDirty) !== 0;
}

/** can_change_private_pte_writable(): an anonymous page that is this process's alone (S63; clean ones too S64). */
function mayUpgrade(k: Kernel, vma: VmaId, lo: number, hi: number): boolean {
  const flags = k.vma.flags[vma];
  if ((flags & VM.shared) !== 0) return (flags & VM.write) !== 0 && mayUpgradeShared(k, vma, lo);
  if (!k.rules.mprotect.writableUpgrade || (flags & VM.write) === 0) return false;
  if ((lo & PTE.special) !== 0) return false;
  if ((flags & VM.softDirty) === 0 && (lo & PTE.softDirty) === 0) return false;
  if (!k.rules.mprotect.upgradeClean && (lo & PTE.dirty) === 0) return false;
  const page = entryPfn(lo, hi);
  return isAnon(k, headOf(k, page)) && pageAnonExclusive(k, page);
}

/** A page that is being moved comes back readable only; the next write's fault decides. */
function* protectMigration(k: Kernel, e: EntryAddr): Steps<void> {
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if (isNone(lo, hi) || swpType(hi) !== SWP.migrationWrite) return;
  const pfn = swpOffset(lo, hi);
  const type =
    isAnon(k, headOf(k, pfn)) && k.rules.anon.exclusive
      ? SWP.migrationReadExclusive
      : SWP.migrationRead;
  yield* entrySet(k, e, lo, swpHi(type, pfn));
}
