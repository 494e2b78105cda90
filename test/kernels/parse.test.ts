import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allKernels, kernelNames, parseKernelList } from '../../src/kernels/index.ts';

function kernels(text: string): readonly string[] {
  const list = parseKernelList(text);
  if (!list.ok) throw new Error(list.message);
  return list.kernels;
}

function message(text: string): string {
  const list = parseKernelList(text);
  if (list.ok) throw new Error(`accepted '${text}'`);
  return list.message;
}

describe('-k', () => {
  test('names, ranges, all', () => {
    expect(kernels('5.4')).toEqual(['5.4']);
    expect(kernels('5.4,6.1..6.4')).toEqual(['5.4', '6.1', '6.2', '6.3', '6.4']);
    expect(kernels(' 5.9 .. 5.10 , 5.4 ')).toEqual(['5.9', '5.10', '5.4']);
    expect(kernels('all')).toEqual(allKernels);
    expect(kernels('debian-6.1.192,6.1')).toEqual(['debian-6.1.192', '6.1']);
    expect(kernels('5.3')).toEqual(['5.3']);
    expect(kernels('6.7..6.7')).toEqual(['6.7']);
  });

  test('each kernel once', () => {
    expect(kernels('5.10,5.9..5.11,5.10')).toEqual(['5.10', '5.9', '5.11']);
  });

  test('a range is what lies between its ends, whichever ends', () => {
    const index = fc.nat(allKernels.length - 1);
    fc.assert(
      fc.property(index, index, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(kernels(`${allKernels[low]}..${allKernels[high]}`)).toEqual(
          allKernels.slice(low, high + 1),
        );
      }),
    );
  });

  test('any list of names comes back as itself', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...kernelNames), { minLength: 1 }), (names) => {
        expect(kernels(names.join(','))).toEqual(names);
      }),
    );
  });

  test.each([
    ['5.22', /unknown kernel version '5\.22'; did you mean 5\.19 or 6\.0\?/],
    ['9.9', /did you mean 7\.3\?/],
    ['3.10', /did you mean 4\.4\?/],
    ['6.1.5', /did you mean 6\.1 or debian-6\.1\.192\?/],
    ['debain-6.1.192', /did you mean debian-6\.1\.192/],
    ['debian-6.1', /did you mean debian-6\.1\.192 or debian-6\.12\.117\?/],
    ['debian', /debian-5\.10\.262/],
    ['ubuntu', /`pinfold kernels` lists them/],
    ['6.1..5.4', /runs backwards; write 5\.4\.\.6\.1/],
    ['6.1..', /lacks an end/],
    ['..6.1', /lacks an end/],
    ['6.1..debian-6.12.117', /no mainline version/],
    ['5.4,,6.1', /empty kernel name/],
    ['', /empty kernel name/],
  ])('%s is refused with advice', (text, expected) => {
    expect(message(text)).toMatch(expected);
  });

  test('no text makes it throw', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseKernelList(text).ok === 'boolean'));
  });
});
