import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareVersions,
  EVERY_VERSION,
  formatKernelRange,
  type KernelRange,
  parseKernelRange,
  RELEASES,
  rangeHas,
} from '../../src/kernels/index.ts';

function parse(text: string): KernelRange {
  const parsed = parseKernelRange(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.range;
}

function members(text: string): readonly string[] {
  const range = parse(text);
  return RELEASES.filter((v) => rangeHas(range, v));
}

describe('the range of a Result: line', () => {
  test('the six forms', () => {
    expect(members('(< 4.6)')).toEqual(['4.4', '4.5']);
    expect(members('(<= 4.6)')).toEqual(['4.4', '4.5', '4.6']);
    expect(members('(> 7.1)')).toEqual(['7.2', '7.3']);
    expect(members('(>= 7.1)')).toEqual(['7.1', '7.2', '7.3']);
    expect(members('(5.9 .. 5.11)')).toEqual(['5.9', '5.10', '5.11']);
    expect(members('(= 5.8)')).toEqual(['5.8']);
    expect(members('(5.8)')).toEqual(['5.8']);
  });

  test('brackets and spaces do not matter', () => {
    for (const text of ['>=5.9', ' ( >= 5.9 ) ', '(>=5.9)'])
      expect(parse(text)).toEqual(parse('(>= 5.9)'));
    for (const text of ['5.9..5.18', '(5.9..5.18)', ' (5.9  ..  5.18)']) {
      expect(parse(text)).toEqual(parse('(5.9 .. 5.18)'));
    }
  });

  test('what is printed is read back as the same range', () => {
    const version = fc.constantFrom(...RELEASES);
    const half = fc
      .tuple(fc.constantFrom('<', '<=', '>', '>=', '=', ''), version)
      .map(([sign, v]) => `(${sign} ${v})`);
    const between = fc.tuple(version, version).map(([a, b]) => {
      const [low, high] = compareVersions(a, b) <= 0 ? [a, b] : [b, a];
      return `(${low} .. ${high})`;
    });
    fc.assert(
      fc.property(fc.oneof(half, between), (text) => {
        const range = parse(text);
        expect(parse(formatKernelRange(range))).toEqual(range);
      }),
    );
    expect(formatKernelRange(EVERY_VERSION)).toBe('');
    expect(RELEASES.every((v) => rangeHas(EVERY_VERSION, v))).toBe(true);
  });

  test('below and from a version divide the releases', () => {
    fc.assert(
      fc.property(fc.constantFrom(...RELEASES), fc.constantFrom(...RELEASES), (v, w) => {
        expect(rangeHas(parse(`< ${v}`), w)).toBe(!rangeHas(parse(`>= ${v}`), w));
        expect(rangeHas(parse(`<= ${v}`), w)).toBe(!rangeHas(parse(`> ${v}`), w));
      }),
    );
  });

  test.each([
    ['(5.18 .. 5.9)', /runs backwards; write \(5\.9 \.\. 5\.18\)/],
    ['(< 5.22)', /unknown kernel version '5\.22'; did you mean 5\.19 or 6\.0\?/],
    ['(5.9 .. 5.99)', /unknown kernel version '5\.99'/],
    ['(~ 5.8)', /cannot read version range/],
    ['(5.8', /cannot read version range/],
    ['()', /cannot read version range/],
    ['(< 6.1.5)', /unknown kernel version '6\.1\.5'; did you mean 6\.1\?/],
    ['(5.8 5.9)', /cannot read version range/],
  ])('%s is refused with advice', (text, expected) => {
    const parsed = parseKernelRange(text);
    expect(parsed.ok ? 'accepted' : parsed.message).toMatch(expected);
  });

  test('no text makes it throw', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseKernelRange(text).ok === 'boolean'));
  });
});
