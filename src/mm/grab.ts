/**
 * Taking and dropping references by FOLL_GET and FOLL_PIN (mm/gup.c: try_grab_folio(),
 * try_grab_folio_fast(), try_get_folio(), gup_put_folio()). Rules: semantics.md A.9, A.13.4f, S10,
 * S11, S17, S30.
 *
 * A pin of a small folio is `PIN_BIAS` references; a folio with a pin count takes one reference and
 * counts one pin. Kernels without FOLL_PIN accounting (5.6: names only) treat a pin as FOLL_GET.
 */
import { compoundRead, pincountAdd, refAdd, refAddUnlessZero, refRead } from '../machine/atomic.ts';
import { ENOMEM, EREMOTEIO } from '../machine/errno.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import { BUG, bug, WARN, warn } from '../machine/report.ts';
import type { Folio, Pfn, Steps } from '../machine/types.ts';
import { checkDevicePage, deviceKind } from './dev-pagemap.ts';
import { DEVICE } from './device-tables.ts';
import { dmaPin, dmaUnpin, tracksGup } from './dma-pinned.ts';
import { folioGet, folioPut } from './folio.ts';
import { FOLL } from './foll.ts';
import type { Kernel } from './kernel.ts';
import { fastMayPinLongterm } from './longterm-pinnable.ts';
import { acquiredItem, releasedItem } from './pin-counters.ts';
import { notePins } from './pin-ledger.ts';
import { hasPincount, PIN_BIAS } from './pinned.ts';
import { vmstatAdd } from './vmstat.ts';

/** Whether references with `flags` are accounted as pins in this kernel (S10). */
export function countsAsPin(k: Kernel, flags: number): boolean {
  return (flags & FOLL.pin) !== 0 && k.rules.pin.impl === 'bias';
}

/**
 * FOLL_PIN leaves the page of zeros alone (6.5+, S11): it is never freed, never written, never
 * copied.
 */
export function pinIsFree(k: Kernel, pfn: Pfn): boolean {
  return pfn === k.zeroPfn && k.rules.pin.zeroPage === 'untouched';
}

/**
 * try_grab_folio(): takes `n` references or pins where the page table lock keeps the folio from
 * going away. 0; -ENOMEM when its count is not positive (A.9.1). Without FOLL_GET and FOLL_PIN
 * nothing is taken.
 */
export function* tryGrabFolio(k: Kernel, folio: Folio, n: number, flags: number): Steps<number> {
  if ((flags & (FOLL.get | FOLL.pin)) === 0) return 0;
  if (deviceRefuses(k, folio, flags)) return -EREMOTEIO;
  if (k.rules.gup.overflowGuard) {
    const references = yield* refRead(k, folio);
    if (references <= 0) {
      warn(k, WARN.refOverflow);
      return -ENOMEM;
    }
  }
  if (!countsAsPin(k, flags)) {
    yield* folioGet(k, folio, n);
    if (tracksGup(k)) yield* dmaPin(k, folio, n);
    return 0;
  }
  if (pinIsFree(k, folio)) return 0;
  if (hasPincount(k, folio)) {
    yield* folioGet(k, folio, n);
    yield* pincountAdd(k, folio, n);
  } else {
    yield* folioGet(k, folio, n * PIN_BIAS);
  }
  countAcquired(k, folio, n);
  notePins(k, folio, n);
  return 0;
}

/**
 * What this kernel's rules and a call's flags mean for each of its fast grabs, as bits: found once
 * a table by `grabMode` and not once a page.
 */
const GRAB = {
  /** Accounted as a pin; else one reference a page. */
  pin: 1 << 0,
  /** Look out for the page of zeros, given without counting (S11), and for `none`. */
  special: 1 << 1,
  /** Refused at a negative count (S30). */
  guard: 1 << 2,
  /** Asks again which folio the page belongs to; on a change tries again (S17). */
  recheck: 1 << 3,
  retry: 1 << 4,
  /** Asks whether the folio may be pinned for long. */
  longterm: 1 << 5,
  /** nr_foll_pin_acquired exists. */
  count: 1 << 6,
  /** Neither FOLL_GET nor FOLL_PIN: nothing may be taken. */
  none: 1 << 7,
  /** Every page handed out is under DMA until it is put (`dma-pinned.ts`). */
  tracked: 1 << 8,
  /** Memory of PCI devices is welcome. */
  p2pdma: 1 << 9,
  /** From this bit on: `pin.largePincountMinOrder`. */
  orderShift: 10,
} as const;

/** `GRAB` bits for `grabFolioFast`. */
export function grabMode(k: Kernel, flags: number): number {
  const rules = k.rules;
  const pin = countsAsPin(k, flags);
  return (
    (pin ? GRAB.pin : 0) |
    (pin && rules.pin.zeroPage === 'untouched' ? GRAB.special : 0) |
    (rules.gup.overflowGuard ? GRAB.guard : 0) |
    (rules.fast.recheckFolio !== 'none' ? GRAB.recheck : 0) |
    (rules.fast.recheckFolio === 'retry' ? GRAB.retry : 0) |
    ((flags & FOLL.longterm) !== 0 ? GRAB.longterm : 0) |
    (pin && rules.pin.counters ? GRAB.count : 0) |
    ((flags & FOLL.pciP2pdma) !== 0 ? GRAB.p2pdma : 0) |
    ((flags & (FOLL.get | FOLL.pin)) === 0 ? GRAB.none | GRAB.special : 0) |
    (!pin && tracksGup(k) ? GRAB.tracked : 0) |
    (rules.pin.largePincountMinOrder << GRAB.orderShift)
  );
}

/**
 * try_grab_folio_fast(): takes `n` references or pins on the folio of a page that was seen in a
 * page table without a lock. Returns the folio, or 0 when the slow path has to decide (A.9.2).
 */
export function* tryGrabFolioFast(k: Kernel, pfn: Pfn, n: number, flags: number): Steps<Folio> {
  return yield* grabFolioFast(k, pfn, n, grabMode(k, flags));
}

/** Memory of PCI devices is for those who ask for it (6.2+; nobody could map it before). */
function deviceRefuses(k: Kernel, folio: Folio, flags: number): boolean {
  return (flags & FOLL.pciP2pdma) === 0 && deviceKind(k, folio) === DEVICE.p2pdma;
}

/** `tryGrabFolioFast` with the flags as `grabMode` gives them. */
export function* grabFolioFast(k: Kernel, pfn: Pfn, n: number, mode: number): Steps<Folio> {
  if ((mode & GRAB.special) !== 0 && (pfn === k.zeroPfn || (mode & GRAB.none) !== 0))
    return zeroOrNone(k, pfn, mode);
  if ((mode & GRAB.p2pdma) === 0 && deviceKind(k, pfn) === DEVICE.p2pdma) return 0;
  const folio = yield* tryGetFolio(k, pfn, n, mode);
  if (folio === 0) return 0;
  if ((mode & GRAB.longterm) !== 0 && !fastMayPinLongterm(k, folio)) {
    yield* folioPut(k, folio, n);
    return 0;
  }
  if ((mode & GRAB.pin) !== 0) yield* makePins(k, folio, n, mode);
  else if ((mode & GRAB.tracked) !== 0) yield* dmaPin(k, folio, n);
  return folio;
}

/**
 * The page of zeros, which 6.5 and later don't count; or a call that asks for no reference at all:
 * refused.
 */
function zeroOrNone(k: Kernel, pfn: Pfn, mode: number): Folio {
  if ((mode & GRAB.none) === 0) return pfn;
  warn(k, WARN.gupArgs);
  return 0;
}

/**
 * try_get_folio(): `n` references on whatever folio the page belongs to; 0 when it is free or
 * overflowed. Between the look at the page and the reference the folio may be split or freed, so
 * later kernels look again (S17).
 */
function* tryGetFolio(k: Kernel, pfn: Pfn, n: number, mode: number): Steps<Folio> {
  for (;;) {
    const compound = yield* compoundRead(k, pfn);
    checkDevicePage(k, pfn);
    const folio = compound > 0 ? compound - 1 : pfn;
    let got = false;
    if ((mode & GRAB.guard) !== 0) got = yield* refTryAdd(k, folio, n);
    else got = yield* refAddUnlessZero(k, folio, n);
    if (!got) {
      if ((mode & GRAB.guard) !== 0 && k.page.refcount[folio] < 0) warn(k, WARN.refOverflow);
      return 0;
    }
    if ((mode & GRAB.recheck) === 0) return folio;
    const now = yield* compoundRead(k, pfn);
    if (now === compound || (now <= 0 && compound <= 0)) return folio;
    yield* folioPut(k, folio, n);
    if ((mode & GRAB.retry) === 0) return 0;
  }
}

/** Turns `n` references just taken into pins (the second half of try_grab_folio_fast()). */
function* makePins(k: Kernel, folio: Folio, n: number, mode: number): Steps<void> {
  // The compound word of a head is minus its order.
  if (-k.page.compound[folio] >= mode >>> GRAB.orderShift) yield* pincountAdd(k, folio, n);
  else yield* refAdd(k, folio, n * (PIN_BIAS - 1));
  if ((mode & GRAB.count) !== 0) vmstatAdd(k, folio, acquiredItem(k), n);
  notePins(k, folio, n);
}

/**
 * gup_put_folio(): drops what a grab with the same `flags` took (A.10); the last reference frees
 * the folio.
 */
export function* gupPutFolio(k: Kernel, folio: Folio, n: number, flags: number): Steps<void> {
  if (!countsAsPin(k, flags)) {
    if (tracksGup(k)) yield* dmaUnpin(k, folio, n);
    yield* folioPut(k, folio, n);
    return;
  }
  if (pinIsFree(k, folio)) return;
  if (k.rules.pin.counters) vmstatAdd(k, folio, releasedItem(k), n);
  notePins(k, folio, -n);
  if (hasPincount(k, folio)) {
    const pins = yield* pincountAdd(k, folio, -n);
    if (pins < 0) bug(k, BUG.pinUnderflow, folio);
    yield* folioPut(k, folio, n);
  } else {
    yield* folioPut(k, folio, n * PIN_BIAS);
  }
}

/**
 * The node's nr_foll_pin_acquired: every FOLL_PIN counts, those that are given up at once too
 * (A.27.3).
 */
function countAcquired(k: Kernel, folio: Folio, n: number): void {
  if (k.rules.pin.counters) vmstatAdd(k, folio, acquiredItem(k), n);
}

/**
 * folio_add_pin() (6.5+): one more pin of a folio that the caller has pinned already. As in the
 * kernel, nr_foll_pin_acquired doesn't count it, though its release counts (A.9.5).
 */
export function* folioAddPin(k: Kernel, folio: Folio): Steps<void> {
  if (pinIsFree(k, folio)) return;
  notePins(k, folio, 1);
  if (hasPincount(k, folio)) {
    yield* folioGet(k, folio, 1);
    yield* pincountAdd(k, folio, 1);
  } else {
    yield* folioGet(k, folio, PIN_BIAS);
  }
}
