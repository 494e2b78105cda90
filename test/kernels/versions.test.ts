import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  allKernels,
  changesIn,
  compareVersions,
  isRelease,
  isVersion,
  RELEASES,
  releaseYear,
} from '../../src/kernels/index.ts';

test('versions compare by number, not as text', () => {
  expect(compareVersions('5.10', '5.9')).toBeGreaterThan(0);
  expect(compareVersions('5.19', '6.0')).toBeLessThan(0);
  expect(compareVersions('6.1', '6.1')).toBe(0);
  expect(compareVersions('6.1', '6.10')).toBeLessThan(0);
});

test('releases are in order of version and of year', () => {
  expect([...RELEASES].sort(compareVersions)).toEqual(RELEASES);
  const years = RELEASES.map((r) => releaseYear(r) ?? 0);
  expect([...years].sort((a, b) => a - b)).toEqual(years);
  expect(RELEASES.length).toBe(17 + 20 + 20 + 4);
  expect(isRelease('4.21')).toBe(false);
  expect(isRelease('6.1.192')).toBe(false);
});

test('compareVersions is an order: antisymmetric, and equal only for the same numbers', () => {
  const version = fc.tuple(fc.nat(20), fc.nat(40)).map(([a, b]) => `${a}.${b}`);
  fc.assert(
    fc.property(version, version, (a, b) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      expect(compareVersions(a, b) === 0).toBe(a === b);
    }),
  );
});

test('the versions of the model: those asked for, and every one in which a rule changes', () => {
  const asked =
    '4.4, 4.19, 5.4, 5.6, 5.7, 5.8, 5.9, 5.10, 5.11, 5.12, 5.14, 5.15, 5.17, 5.18, 5.19, 6.1, 6.2, 6.4, 6.5, 6.8, 6.12, 6.15, 6.18';
  for (const version of asked.split(', ')) expect(allKernels).toContain(version);
  expect(allKernels.at(-1)).toBe('7.3');
  expect([...allKernels].sort(compareVersions)).toEqual(allKernels);
  for (const release of RELEASES)
    if (changesIn(release).length > 0) expect(allKernels).toContain(release);
  for (const quiet of ['4.8', '4.12']) {
    expect(changesIn(quiet)).toEqual([]);
    expect(allKernels).not.toContain(quiet);
  }
});

test('isVersion tells versions from other names', () => {
  expect(['5.10', '4.4', '99.1'].every(isVersion)).toBe(true);
  expect(['5', '5.', 'v5.1', '5.10.3', 'debian-6.1.192', ''].some(isVersion)).toBe(false);
});
