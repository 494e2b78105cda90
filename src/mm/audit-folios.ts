/** Folios: are all references and mappings that they count explained, and is exclusive memory exclusive (A.14)? */
import { PG } from '../machine/page.ts';
import type { Folio, Pfn } from '../machine/types.ts';
import { explained, explainedText, type Tally } from './audit-tally.ts';
import { isZoneDevice } from './dev-pagemap.ts';
import {
  entireMapcount,
  folioMapcount,
  headOf,
  isAnon,
  isHugetlb,
  isLarge,
  nrPages,
  pageAnonExclusive,
} from './folio.ts';
import type { Kernel } from './kernel.ts';
import { hasPincount } from './pinned.ts';

/** Compares every page structure with the tally, which is complete. */
export function auditFolios(k: Kernel, t: Tally): void {
  for (let pfn = 0; pfn < k.pages; pfn++) {
    if (k.page.compound[pfn] > 0) checkTail(k, t, pfn);
    else if (t.free[pfn] === 0 || isHugetlb(k, pfn)) checkFolio(k, t, pfn);
    if (k.page.mapcount[pfn] !== t.pteMaps[pfn]) {
      t.findings.push(
        `page ${pfn}: _mapcount ${k.page.mapcount[pfn]}, mapped by ${t.pteMaps[pfn]} PTE`,
      );
    }
    if ((k.page.flags[pfn] & PG.anonExclusive) !== 0) checkExclusive(k, t, pfn);
  }
}

function checkTail(k: Kernel, t: Tally, pfn: Pfn): void {
  const head = headOf(k, pfn);
  if (!isLarge(k, head) || pfn >= head + nrPages(k, head))
    t.findings.push(`page ${pfn} is a tail of ${head}, which has no such page`);
  if (k.page.refcount[pfn] !== 0)
    t.findings.push(`page ${pfn}, a tail of ${head}, has _refcount ${k.page.refcount[pfn]}`);
}

function checkFolio(k: Kernel, t: Tally, folio: Folio): void {
  const references = k.page.refcount[folio];
  const counted = explained(k, t, folio);
  if (references !== counted) {
    t.findings.push(
      `page ${folio}: _refcount ${references}, accounted for ${counted} (${explainedText(k, t, folio)})`,
    );
  }
  if (references === 0 && t.free[folio] === 0 && !isZoneDevice(k, folio))
    t.findings.push(`page ${folio} has no reference, yet is not free`);
  if ((k.page.flags[folio] & PG.lru) !== 0 && (k.page.flags[folio] & PG.isolated) !== 0) {
    t.findings.push(`page ${folio} is on the LRU and isolated from it`);
  }
  if (isLarge(k, folio)) checkLarge(k, t, folio);
  else if (t.pins[folio] > 0) checkPinned(k, t, folio, folio);
}

function checkLarge(k: Kernel, t: Tally, folio: Folio): void {
  const entire = entireMapcount(k, folio);
  if (entire !== t.entireMaps[folio])
    t.findings.push(`folio ${folio}: ${entire} whole mappings, counted ${t.entireMaps[folio]}`);
  let total = t.entireMaps[folio];
  for (let i = 0; i < nrPages(k, folio); i++) total += t.pteMaps[folio + i];
  if (folioMapcount(k, folio) !== total)
    t.findings.push(`folio ${folio}: ${folioMapcount(k, folio)} mappings, counted ${total}`);
  const pins = k.rules.pin.impl === 'bias' && hasPincount(k, folio) ? t.pins[folio] : 0;
  if (k.page.private[folio + 1] !== pins)
    t.findings.push(`folio ${folio}: pincount ${k.page.private[folio + 1]}, ${pins} pins are held`);
}

/** A.14.5: an anonymous page that is pinned and still mapped is exclusive. */
function checkPinned(k: Kernel, t: Tally, folio: Folio, pfn: Pfn): void {
  if (!k.rules.anon.exclusive || !isAnon(k, folio) || t.pteMaps[pfn] === 0) return;
  if (!pageAnonExclusive(k, pfn))
    t.findings.push(`page ${pfn} is pinned and mapped, yet not exclusive`);
}

/** A.14.3: exclusive is mapped once at most, by nobody's swap entry, and anonymous. */
function checkExclusive(k: Kernel, t: Tally, pfn: Pfn): void {
  if (!k.rules.anon.exclusive) return;
  const folio = headOf(k, pfn);
  const entire = t.entireMaps[folio];
  const mapped = t.pteMaps[pfn] + entire;
  if (mapped > 1) t.findings.push(`page ${pfn} is exclusive, yet mapped ${mapped} times`);
  if (mapped > 0 && !isAnon(k, folio))
    t.findings.push(`page ${pfn} is exclusive, yet not anonymous`);
  if (
    mapped > 0 &&
    (k.page.flags[folio] & PG.swapcache) !== 0 &&
    t.swapRefs[k.page.private[folio]] > 0
  ) {
    t.findings.push(
      `page ${pfn} is exclusive, yet ${t.swapRefs[k.page.private[folio]]} swap entries refer to it too`,
    );
  }
}
