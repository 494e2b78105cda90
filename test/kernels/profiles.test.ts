import { describe, expect, test } from 'vitest';
import {
  baseVersion,
  DESIGNS,
  designNamed,
  designRules,
  diffRules,
  isRelease,
  PROFILES,
  RELEASES,
  RULES,
  rulesFor,
  ruleValue,
} from '../../src/kernels/index.ts';

function valuesOf(name: string): readonly unknown[] {
  const rule = RULES.find((r) => r.name === name);
  return rule === undefined ? [] : [...rule.values.map((s) => s.value), ...(rule.also ?? [])];
}

describe('profiles', () => {
  test.each(PROFILES.map((p) => [p.name, p] as const))(
    '%s changes only rules that exist, to values they can have, that differ from its base',
    (name, profile) => {
      expect(isRelease(profile.base)).toBe(true);
      expect(baseVersion(name)).toBe(profile.base);
      expect(new Set(profile.overrides.map((o) => o.rule)).size).toBe(profile.overrides.length);
      for (const { rule, value, reason } of profile.overrides) {
        expect(valuesOf(rule)).toContain(value);
        expect(ruleValue(rulesFor(profile.base), rule)).not.toBe(value);
        expect(ruleValue(rulesFor(name), rule)).toBe(value);
        expect(reason).not.toBe('');
      }
      expect(
        diffRules(profile.base, name)
          .map((d) => d.rule.name)
          .sort(),
      ).toEqual(profile.overrides.map((o) => o.rule).sort());
    },
  );

  test('B.3 and the table of conformance.md', () => {
    const [d510, d61, d612] = ['debian-5.10.262', 'debian-6.1.192', 'debian-6.12.117'].map(
      rulesFor,
    );
    // pin, mprotect read-only and back, write: stale on 5.10; hugetlb pin and fork: stale on 5.10.
    expect(d510.cow.smallReuse).toBe('refcount1');
    expect(d510.fork.hugetlbEarlyCopy).toBe(false);
    expect(d510.fork.seq).toBe('normal');
    expect(d510.fork.nonAnonCopyBug).toBe(false);
    // O_DIRECT read counts as pins: 6.12 only. THP leak: 5.10 only.
    expect([d510, d61, d612].map((r) => r.dio.ref)).toEqual(['get', 'get', 'pin']);
    expect([d510, d61, d612].map((r) => r.cow.thpReuse)).toEqual([
      'mapcount',
      'exclusive',
      'exclusive',
    ]);
    // A shared ext4 mapping is refused by io_uring up to 6.1, by GUP from 6.12.
    expect([d510, d61, d612].map((r) => r.users.ioUringFileBacked)).toEqual([
      'eopnotsupp',
      'eopnotsupp',
      'gup',
    ]);
    expect(d61.gup.unshareNonAnonLongterm).toBe(false);
    expect(d61.slow.writeFileLongterm).toBe(true);
    expect([d61.pin.zeroPage, d61.thp.splitErrno, d61.longterm.drain]).toEqual([
      'untouched',
      'EAGAIN',
      'refcount',
    ]);
    expect(d612.gup.splitPmdHugetlb).toBe('refused');
    expect(rulesFor('debian-7.1').proc.memForce).toBe('ptrace');
    expect(rulesFor('7.1').proc.memForce).toBe('always');
  });
});

describe('designs', () => {
  test.each(DESIGNS.map((d) => [d.name, d] as const))(
    '%s changes only rules that exist, to values they can have',
    (_, design) => {
      for (const [rule, value] of Object.entries(design.overrides)) {
        const allowed = valuesOf(rule);
        expect(allowed.length).toBeGreaterThan(0);
        if (typeof value === 'string') expect(allowed).toContain(value);
        else expect(typeof allowed[0]).toBe(typeof value);
        expect(ruleValue(designRules(design), rule)).toBe(value);
        // It may hold in the base already, and then says what stays so on newer releases.
        expect(RELEASES.some((v) => ruleValue(rulesFor(v), rule) !== value)).toBe(true);
      }
    },
  );

  test('B.2 bias-2019 counts 1024 on every page and keeps the copy-on-write of its time', () => {
    const design = designNamed('bias-2019');
    if (design === undefined) throw new Error('no design bias-2019');
    const rules = designRules(design);
    expect(rules.pin.impl).toBe('bias');
    expect(rules.pin.largePincountMinOrder).toBe(64);
    expect(rules.api.pinLongtermPages).toBe(true);
    expect(rules.cow.smallReuse).toBe('mapcount');
    expect(designRules(design, '5.10').cow.smallReuse).toBe('refcount1');
    expect(designNamed('nothing')).toBeUndefined();
  });
});
