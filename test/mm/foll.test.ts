import { expect, test } from 'vitest';
import { FOLL, follFromRaw, follNames, follToRaw } from '../../src/mm/foll.ts';
import { boot } from './run.ts';

test('A.1.3 a raw PIN of 5.10 is 0x40000, of 6.12 1 << 19', () => {
  expect(follFromRaw(boot('5.10').k, 0x40000)).toBe(FOLL.pin);
  expect(follFromRaw(boot('6.12').k, 1 << 19)).toBe(FOLL.pin);
  expect(follToRaw(boot('5.10').k, FOLL.write | FOLL.longterm)).toBe(0x10001);
  expect(follToRaw(boot('6.12').k, FOLL.write | FOLL.longterm)).toBe(0x101);
});

test('A.1.3 0x80 is NOFAULT from 5.16 on and nothing in 5.14', () => {
  expect(follFromRaw(boot('5.16').k, 0x80)).toBe(FOLL.nofault);
  expect(follFromRaw(boot('5.14').k, 0x80)).toBe(-1);
});

test('A.1.3 a flag that a kernel does not have has no raw value there', () => {
  expect(follToRaw(boot('4.19').k, FOLL.longterm)).toBe(-1);
  expect(follToRaw(boot('5.4').k, FOLL.pin)).toBe(-1);
});

test('A.1 flags are named as the kernel names them', () => {
  expect(follNames(FOLL.write | FOLL.fastOnly | FOLL.pciP2pdma)).toBe(
    'FOLL_WRITE|FOLL_PCI_P2PDMA|FOLL_FAST_ONLY',
  );
  expect(follNames(0)).toBe('0');
});
