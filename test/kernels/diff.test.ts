import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changesIn, diffRules, kernelNames, RELEASES, rulesFor } from '../../src/kernels/index.ts';

const names = (a: string, b: string) => diffRules(a, b).map((d) => d.rule.name);

test('5.8 to 5.9: the change of copy-on-write and of fork', () => {
  expect(names('5.8', '5.9').sort()).toEqual([
    'cow.pteThpReuse',
    'cow.smallReuse',
    'dio.iomapFallsBack',
    'dio.readInvalidates',
    'fork.earlyCopy',
    'fork.nonAnonCopyBug',
    'gup.forceCowBreak',
    'ksm.reuse',
    'pin.hasPinned',
  ]);
});

test('a rule that changed and changed back is no difference; one that changed twice lists both commits', () => {
  expect(names('5.7', '5.9')).not.toContain('gup.forceCowBreak');
  const reuse = diffRules('5.8', '5.19').find((d) => d.rule.name === 'cow.smallReuse');
  expect([reuse?.from, reuse?.to]).toEqual(['mapcount', 'exclusive']);
  expect(reuse?.steps.map((s) => `${s.from} ${s.commit}`)).toEqual([
    '5.9 09854ba94c6a',
    '5.19 6c287605fd56',
  ]);
  const back = diffRules('5.19', '5.8').find((d) => d.rule.name === 'cow.smallReuse');
  expect(back?.steps.map((s) => s.from)).toEqual(['5.19', '5.9']);
});

test('a backport is named where no release between brought the change', () => {
  const seq = diffRules('5.10', 'debian-5.10.262').find((d) => d.rule.name === 'fork.seq');
  expect(seq?.steps).toEqual([]);
  expect(seq?.backports.join()).toMatch(/57efa1fe5957/);
});

test('neighbours differ by what changed in the later one', () => {
  RELEASES.slice(1).forEach((release, i) => {
    expect(names(RELEASES[i], release)).toEqual(changesIn(release).map((r) => r.name));
  });
});

test('a difference is empty only for equal rules, and swaps with its ends', () => {
  const kernel = fc.constantFrom(...kernelNames);
  fc.assert(
    fc.property(kernel, kernel, (a, b) => {
      const there = diffRules(a, b);
      expect(diffRules(b, a).map((d) => [d.rule.name, d.to, d.from])).toEqual(
        there.map((d) => [d.rule.name, d.from, d.to]),
      );
      expect(there.length === 0).toBe(JSON.stringify(rulesFor(a)) === JSON.stringify(rulesFor(b)));
    }),
  );
});
