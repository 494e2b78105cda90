/**
 * FOLL_* flags (include/linux/mm_types.h and mm/internal.h since 6.3; include/linux/mm.h before).
 * Inside the model one numbering is used, that of 6.3 and later; what users pass as raw numbers
 * (gup_test's gup_flags) is translated by version. Rules: semantics.md A.1.
 */
import type { Kernel } from './kernel.ts';

/** Flag bits, 6.3+ numbering. */
export const FOLL = {
  write: 1 << 0,
  get: 1 << 1,
  dump: 1 << 2,
  force: 1 << 3,
  nowait: 1 << 4,
  nofault: 1 << 5,
  hwpoison: 1 << 6,
  anon: 1 << 7,
  longterm: 1 << 8,
  splitPmd: 1 << 9,
  pciP2pdma: 1 << 10,
  interruptible: 1 << 11,
  honorNumaFault: 1 << 12,
  // From here on internal: a caller must not pass them (A.1.2).
  touch: 1 << 16,
  tried: 1 << 17,
  remote: 1 << 18,
  pin: 1 << 19,
  fastOnly: 1 << 20,
  unlockable: 1 << 21,
  madvPopulate: 1 << 22,
  /** FOLL_COW of 4.9 to 5.19: a forced write has broken copy-on-write (S9). */
  cow: 1 << 23,
  /** Of the model alone: the output is ranges, not a list of pages (see gup-output.ts). */
  ranges: 1 << 24,
  /** Of the model alone, with `ranges`: in the packed form (see gup-packed.ts). */
  packed: 1 << 25,
} as const;

/** Flags that only mm itself may set; passing one is an invalid argument (A.2.2.1). */
export const FOLL_INTERNAL =
  FOLL.touch |
  FOLL.tried |
  FOLL.remote |
  FOLL.pin |
  FOLL.fastOnly |
  FOLL.unlockable |
  FOLL.madvPopulate;

/** Raw names of `k.rules.foll` whose meaning the model has, with the model's bit for each. */
const RAW_FLAGS = [
  'write',
  'get',
  'dump',
  'force',
  'nowait',
  'nofault',
  'hwpoison',
  'anon',
  'longterm',
  'splitPmd',
  'pciP2pdma',
  'interruptible',
  'honorNumaFault',
  'touch',
  'tried',
  'remote',
  'pin',
  'fastOnly',
  'unlockable',
  'madvPopulate',
  'cow',
] as const satisfies readonly (keyof typeof FOLL)[];

/**
 * Translates flags as this kernel numbers them (A.1.3; what gup_test hands through) into the
 * model's. Returns -1 when a bit has no meaning in this kernel, or none that a caller could rely on
 * (populate, split, mlock, ...).
 */
export function follFromRaw(k: Pick<Kernel, 'rules'>, raw: number): number {
  let flags = 0;
  let left = raw;
  for (const name of RAW_FLAGS) {
    const bit: number = k.rules.foll[name];
    if (bit === 0 || (left & bit) === 0) continue;
    flags |= FOLL[name];
    left &= ~bit;
  }
  return left === 0 ? flags : -1;
}

/** The model's flags as this kernel numbers them; -1 when it doesn't have one of them. */
export function follToRaw(k: Kernel, flags: number): number {
  let raw = 0;
  let left = flags;
  for (const name of RAW_FLAGS) {
    if ((left & FOLL[name]) === 0) continue;
    const bit: number = k.rules.foll[name];
    if (bit === 0) return -1;
    raw |= bit;
    left &= ~FOLL[name];
  }
  return left === 0 ? raw : -1;
}

/** Names of the flags set, as users read them: `FOLL_WRITE|FOLL_PIN`. */
export function follNames(flags: number): string {
  const names = Object.entries(FOLL).filter(([, bit]) => (flags & bit) !== 0);
  return (
    names
      .map(([name]) => `FOLL_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`)
      .join('|') || '0'
  );
}
