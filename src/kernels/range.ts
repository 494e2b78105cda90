import { suggestions } from './suggest.ts';
import { compareVersions, isRelease, RELEASES } from './versions.ts';

/** One end of a range of mainline versions. */
export interface RangeEnd {
  readonly version: string;
  /** True: the version itself is in the range. */
  readonly inclusive: boolean;
}

/** Mainline versions between two ends; null: no end on that side. */
export interface KernelRange {
  readonly from: RangeEnd | null;
  readonly to: RangeEnd | null;
}

export type ParsedRange =
  | { readonly ok: true; readonly range: KernelRange }
  | { readonly ok: false; readonly message: string };

/** Every version. */
export const EVERY_VERSION: KernelRange = { from: null, to: null };

const FORMS = '(< 5.8), (<= 5.8), (> 5.8), (>= 5.8), (= 5.8) or (5.9 .. 5.18)';

/**
 * Reads the range of a `Result:` line, with or without its brackets: `(< 5.8)`, `(<= 5.8)`, `(> 5.8)`,
 * `(>= 5.9)`, `(= 5.8)`, `(5.8)`, `(5.9 .. 5.18)` with both ends in it. Versions must be mainline releases from 4.4 on.
 */
export function parseKernelRange(text: string): ParsedRange {
  const inner = /^\s*\((.*)\)\s*$/.exec(text)?.[1] ?? text;
  const between = /^\s*([\d.]*\d)\s*\.\.\s*(\d[\d.]*)\s*$/.exec(inner);
  if (between !== null) return betweenRange(between[1], between[2]);
  const one = /^\s*(<=|>=|<|>|=|)\s*(\d[\d.]*)\s*$/.exec(inner);
  if (one === null)
    return { ok: false, message: `cannot read version range '${text.trim()}'; write ${FORMS}` };
  const [, sign, version] = one;
  if (!isRelease(version)) return { ok: false, message: unknownVersion(version) };
  const end: RangeEnd = { version, inclusive: sign !== '<' && sign !== '>' };
  if (sign === '<' || sign === '<=') return { ok: true, range: { from: null, to: end } };
  if (sign === '>' || sign === '>=') return { ok: true, range: { from: end, to: null } };
  return { ok: true, range: { from: end, to: end } };
}

function betweenRange(first: string, last: string): ParsedRange {
  for (const version of [first, last]) {
    if (!isRelease(version)) return { ok: false, message: unknownVersion(version) };
  }
  if (compareVersions(first, last) > 0) {
    return {
      ok: false,
      message: `version range (${first} .. ${last}) runs backwards; write (${last} .. ${first})`,
    };
  }
  return {
    ok: true,
    range: { from: { version: first, inclusive: true }, to: { version: last, inclusive: true } },
  };
}

function unknownVersion(version: string): string {
  const near = suggestions(version, RELEASES);
  const advice = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : '';
  return `unknown kernel version '${version}'${advice}`;
}

/** True when mainline `version` is in `range`. */
export function rangeHas(range: KernelRange, version: string): boolean {
  const { from, to } = range;
  if (from !== null) {
    const order = compareVersions(version, from.version);
    if (order < 0 || (order === 0 && !from.inclusive)) return false;
  }
  if (to !== null) {
    const order = compareVersions(version, to.version);
    if (order > 0 || (order === 0 && !to.inclusive)) return false;
  }
  return true;
}

/** A range as `Result:` lines write it, brackets included; the range of every version is the empty string. */
export function formatKernelRange(range: KernelRange): string {
  const { from, to } = range;
  if (from !== null && to !== null) {
    return from.version === to.version
      ? `(= ${from.version})`
      : `(${from.version} .. ${to.version})`;
  }
  if (from !== null) return `(${from.inclusive ? '>=' : '>'} ${from.version})`;
  if (to !== null) return `(${to.inclusive ? '<=' : '<'} ${to.version})`;
  return '';
}
