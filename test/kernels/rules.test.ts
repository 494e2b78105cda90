import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  allKernels,
  compareVersions,
  isRelease,
  kernelNames,
  RELEASES,
  RULES,
  type RuleLiteral,
  rulesFor,
  ruleValue,
} from '../../src/kernels/index.ts';

describe('rule data', () => {
  test('names and numbers are unique, names have two parts', () => {
    expect(new Set(RULES.map((r) => r.name)).size).toBe(RULES.length);
    expect(new Set(RULES.map((r) => r.id)).size).toBe(RULES.length);
    for (const rule of RULES) expect(rule.name).toMatch(/^[a-z][A-Za-z0-9]*\.[a-z][A-Za-z0-9]*$/);
  });

  test('every number S1 to S40 of semantics.md A.30 has a rule', () => {
    const ids = new Set(RULES.map((r) => r.id));
    const missing = Array.from({ length: 40 }, (_, i) => `S${i + 1}`).filter((id) => !ids.has(id));
    expect(missing).toEqual([]);
  });

  test.each(RULES.map((r) => [r.name, r] as const))(
    '%s covers each release exactly once',
    (_, rule) => {
      expect(rule.values[0]?.from).toBeUndefined();
      const later = rule.values.slice(1);
      for (const step of later) expect(isRelease(step.from ?? '')).toBe(true);
      const froms = later.map((s) => s.from ?? '');
      expect([...froms].sort(compareVersions)).toEqual(froms);
      expect(new Set(froms).size).toBe(froms.length);
      expect(froms).not.toContain('4.4');
      rule.values.slice(1).forEach((step, i) => {
        expect(step.value).not.toBe(rule.values[i].value);
        expect(typeof step.value).toBe(typeof rule.values[i].value);
      });
    },
  );

  test('each rule is read by some code, or says why none reads it', () => {
    const src = join(import.meta.dirname, '../../src');
    const texts = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.startsWith('kernels'))
      .map((path) => readFileSync(join(src, path), 'utf8'));
    // The numbers of the FOLL flags are read all at once.
    for (const { name, unread } of RULES.filter((r) => !r.name.startsWith('foll.'))) {
      const read = texts.some((text) => new RegExp(`\\b${name.replace('.', '\\.')}\\b`).test(text));
      expect([name, read]).toEqual([name, unread === undefined]);
    }
  });

  test('sentences are one sentence each, commits are 12 digits, sources are given', () => {
    for (const rule of RULES) {
      expect(rule.sentence).toMatch(/^[A-Z/]?.*[.]$/);
      expect(rule.source).not.toBe('');
      for (const step of rule.values)
        if (step.commit !== undefined) expect(step.commit).toMatch(/^[0-9a-f]{12}$/);
    }
  });
});

describe('rulesFor', () => {
  test('every kernel gives an object of the same shape, frozen, and the same one each time', () => {
    const shape = (name: string) =>
      Object.entries(rulesFor(name)).map(([family, members]) => [family, Object.keys(members)]);
    const first = shape('4.4');
    for (const name of kernelNames) {
      const rules = rulesFor(name);
      expect(shape(name)).toEqual(first);
      expect(rulesFor(name)).toBe(rules);
      expect(Object.isFrozen(rules)).toBe(true);
      expect(Object.values(rules).every((family) => Object.isFrozen(family))).toBe(true);
    }
    expect(first.flatMap(([, members]) => members).length).toBe(RULES.length);
  });

  test('a release between two versions of the model behaves as the one before', () => {
    for (const release of RELEASES) {
      const before = allKernels.filter((v) => compareVersions(v, release) <= 0).at(-1) ?? '';
      expect(rulesFor(release)).toEqual(rulesFor(before));
    }
  });

  test('an unknown name is a RangeError', () => {
    expect(() => rulesFor('5.20')).toThrow(RangeError);
    expect(() => ruleValue(rulesFor('5.4'), 'cow.nothing')).toThrow(RangeError);
  });
});

/**
 * semantics.md A.30, transcribed by hand: each rule as "value last-release" pairs; the value holds from after the
 * release of the pair before, up to and with its own; `-` is the end of time.
 */
const A30: readonly (readonly [id: string, rule: string, ranges: string])[] = [
  ['S1', 'cow.smallReuse', 'mapcount 5.8, refcount1 5.18, exclusive -'],
  ['S1', 'cow.lruDrain', 'false 5.17, true -'],
  ['S2', 'cow.thpReuse', 'mapcount 5.17, refcount1 5.18, exclusive -'],
  [
    'S3',
    'cow.pteThpReuse',
    'mapcount 5.8, refcount1 5.18, exclusiveOrLast 6.8, exclusive 6.14, exclusiveOrOwned -',
  ],
  ['S4', 'cow.swapinReuse', 'mapcount 5.17, refcount1 5.18, exclusive -'],
  ['S5', 'cow.hugetlbReuse', 'mapcount 5.18, mapcountThenExclusive -'],
  ['S6', 'gup.forceCowBreak', 'false 5.7, true 5.8, false -'],
  ['S7', 'gup.unshareAnon', 'false 5.18, true -'],
  ['S8', 'gup.unshareNonAnonLongterm', 'false 6.1, true -'],
  ['S9', 'gup.followForce', 'dropWrite 4.8, cowDirty 5.19, exclusive -'],
  ['S10', 'pin.impl', 'none 5.5, placeholder 5.6, bias -'],
  ['S10', 'pin.largePincountMinOrder', '64 5.6, 2 5.17, 1 -'],
  ['S11', 'pin.zeroPage', 'counted 6.4, untouched -'],
  ['S12', 'pin.hasPinned', 'none 5.8, atomic 5.13, flag -'],
  ['S13', 'fork.earlyCopy', 'none 5.8, maybePinned 5.18, exclusive -'],
  ['S13', 'fork.hugetlbEarlyCopy', 'false 5.11, true -'],
  ['S14', 'fork.seq', 'none 5.10, normal 5.18, all -'],
  // A.30 has 4.13; the commit is of 4.13 itself (docs/findings.md).
  ['S15', 'fast.recheckPte', 'false 4.12, true -'],
  ['S16', 'fast.recheckPmd', 'false 6.0, true -'],
  ['S17', 'fast.recheckFolio', 'none 5.13, fail 5.17, retry -'],
  ['S18', 'fast.writeFileLongterm', 'true 6.4, false -'],
  ['S19', 'slow.writeFileLongterm', 'true 6.4, false -'],
  ['S20', 'longterm.fsdax', 'none 4.14, after 5.10, before -'],
  ['S21', 'longterm.cma', 'none 5.0, migrateOrStay 5.12, migrateOrFail -'],
  ['S22', 'longterm.movable', 'false 5.12, true -'],
  ['S22', 'longterm.unisolated', 'stays 5.12, retry 6.13, stays 6.15, retry -'],
  ['S23', 'longterm.get', 'true 5.9, false -'],
  ['S24', 'swap.pinCheck', 'false 5.10, true -'],
  ['S25', 'reclaim.pinCheckFile', 'false 6.3, true -'],
  ['S26', 'softdirty.pinSkip', 'false 5.10, true -'],
  ['S27', 'numa.pinSkip', 'mapcount 5.16, refcount 6.9, pinned -'],
  ['S28', 'ksm.reuse', 'false 5.0, true 5.8, false -'],
  ['S29', 'dio.ref', 'get 6.4, pin -'],
  ['S30', 'gup.overflowGuard', 'false 5.0, true -'],
  ['S31', 'gup.stackGrow', 'true 6.4, false -'],
  ['S32', 'dax.busy', 'none 4.17, refcount 6.14, refcountMinusMapcount -'],
  ['S32', 'dax.ext4', 'false 4.18, true -'],
  ['S33', 'devmap.gup', 'none 4.4, pgmap 6.16, plain -'],
  ['S34', 'secretmem.gup', 'none 5.13, fastHole 6.8, refused -'],
  ['S35', 'pin.badArgRet', 'einval 6.2, zero -'],
  ['S36', 'fork.nonAnonCopyBug', 'false 5.8, true 5.18, false -'],
  ['S37', 'uffd.move', 'false 6.7, true -'],
  ['S38', 'api.memfdPinFolios', 'false 6.10, true -'],
  ['S39', 'thp.splitErrno', 'EBUSY 6.1, EAGAIN -'],
  ['S40', 'gup.numaDefault', 'true 6.4, false -'],
  ['A.1.3', 'foll.touch', '2 6.2, 65536 -'],
  ['A.1.3', 'foll.remote', '0 4.5, 8192 6.2, 262144 -'],
  ['A.1.3', 'foll.cow', '0 4.8, 16384 5.19, 0 -'],
  ['A.1.3', 'foll.longterm', '0 5.1, 65536 6.2, 256 -'],
  ['A.1.3', 'foll.nofault', '0 5.15, 128 6.2, 32 -'],
  ['A.1.3', 'foll.pin', '0 5.5, 262144 6.2, 524288 -'],
  ['A.1.3', 'foll.pciP2pdma', '0 6.1, 1048576 6.2, 1024 -'],
  ['A.2.1', 'api.pinUserPagesFastOnly', 'false 5.7, true 6.2, false -'],
  ['B.1', 'api.putUserPage', 'false 5.1, true 5.5, false -'],
  ['B.1', 'hugetlb.forceWrite', 'true 6.1, false 6.13, true -'],
  ['60', 'longterm.leakOnFailure', 'false 6.10, true 6.11, false -'],
];

describe('values by version', () => {
  test.each(A30)('%s %s: %s', (_, name, ranges) => {
    let at = 0;
    for (const range of ranges.split(', ')) {
      const [value, last] = range.split(' ');
      const end = last === '-' ? RELEASES.length : RELEASES.indexOf(last) + 1;
      expect(end).toBeGreaterThan(at);
      for (const release of RELEASES.slice(at, end)) {
        expect(`${release} ${String(ruleValue(rulesFor(release), name))}`).toBe(
          `${release} ${value}`,
        );
      }
      at = end;
    }
    expect(at).toBe(RELEASES.length);
  });

  test('the fast entry takes every public flag name of its time and no other', () => {
    const masks: readonly (readonly [string, RuleLiteral])[] = [
      ['4.9', 0x1],
      ['5.2', 0x101],
      ['5.5', 0x101],
      ['5.6', 0x80109],
      ['5.7', 0x8010b],
      ['5.8', 0x18010b],
      ['5.16', 0x18012b],
      ['6.2', 0x18052b],
      ['6.5', 0x18152b],
    ];
    for (const [version, mask] of masks) expect(rulesFor(version).fast.flags).toBe(mask);
  });
});
