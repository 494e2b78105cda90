import type { RuleName, RuleValue } from './types.ts';

/** A rule that differs from the mainline release a kernel started from. */
export type ProfileOverride = {
  readonly [N in RuleName]: {
    readonly rule: N;
    readonly value: RuleValue<N>;
    /** Why: the backport, or where it was seen. */
    readonly reason: string;
  };
}[RuleName];

/** A stable or distribution kernel: a mainline release and what was ported back to it. */
export interface Profile {
  /** As users write it: `debian-6.1.192`. */
  readonly name: string;
  /** Mainline release. */
  readonly base: string;
  readonly sentence: string;
  readonly overrides: readonly ProfileOverride[];
}

const RESTRICTED_PROC_MEM: ProfileOverride = {
  rule: 'proc.memForce',
  value: 'ptrace',
  reason: 'configuration: writes through /proc/self/mem to read-only pages answer EIO',
};

/**
 * Stable kernels whose source or behaviour was looked at (semantics.md B.3, conformance.md 2). What a
 * stable tree was not looked at for stays as in the mainline release.
 */
export const PROFILES: readonly Profile[] = [
  {
    name: 'debian-5.10.262',
    base: '5.10',
    sentence: 'Debian 11, linux-source 5.10.262.',
    overrides: [
      { rule: 'fork.seq', value: 'normal', reason: '57efa1fe5957 of 5.11, since 5.10.3' },
      { rule: 'swap.pinCheck', value: true, reason: 'feb889fb40fa of 5.11' },
      { rule: 'softdirty.pinSkip', value: true, reason: '9348b73c2e1b of 5.11' },
      {
        rule: 'hwpoison.softOfflineErrno',
        value: 'EBUSY',
        reason: '3f4b815a439a of 5.11, seen in the lists of 5.10.y',
      },
      { rule: 'longterm.cma', value: 'migrateOrFail', reason: 'f0f4463837da of 5.13' },
      { rule: 'fast.recheckFolio', value: 'fail', reason: 'c24d37322548 of 5.14' },
      { rule: 'fast.recheckPmd', value: true, reason: '70cbc3cc78a9 of 6.1' },
      {
        rule: 'ext4.dirtyNoBuffers',
        value: 'discard',
        reason: 'cc5095747edf of 5.18, queued for all stable trees in April 2022',
      },
      {
        rule: 'fork.nonAnonCopyBug',
        value: false,
        reason: 'anonymous check in copy_present_page, stable only',
      },
    ],
  },
  {
    name: 'debian-6.1.192',
    base: '6.1',
    sentence: 'Debian 12, linux-source 6.1.192.',
    overrides: [
      { rule: 'pin.zeroPage', value: 'untouched', reason: 'c8070b787519 of 6.5' },
      { rule: 'reclaim.pinCheckFile', value: true, reason: 'd824ec2a1546 of 6.4' },
      { rule: 'thp.splitErrno', value: 'EAGAIN', reason: 'fd4a7ac32918 of 6.2' },
      { rule: 'longterm.drain', value: 'refcount', reason: '98c6d259319e of 6.17' },
      { rule: 'secretmem.gup', value: 'refused', reason: '65291dcfcf89 of 6.9, since 6.1.85' },
    ],
  },
  {
    name: 'debian-6.12.117',
    base: '6.12',
    sentence: 'Debian 13, linux-source 6.12.117.',
    overrides: [
      { rule: 'gup.splitPmdHugetlb', value: 'refused', reason: 'seen in the stable tree' },
      { rule: 'thp.zeroWpHuge', value: true, reason: '1ced09e0331f of 6.13, seen when it ran' },
      { rule: 'longterm.drain', value: 'refcount', reason: '98c6d259319e of 6.17' },
    ],
  },
  ...['7.1', '7.2', '7.3'].map((base) => ({
    name: `debian-${base}`,
    base,
    sentence: `Debian's ${base} as configured there.`,
    overrides: [RESTRICTED_PROC_MEM],
  })),
];
