import { describe, expect, test } from 'vitest';
import { Places } from '../../src/explore/places.ts';
import { witnessOf } from './witness.ts';

describe('what a word of the arena is', () => {
  const { machine } = witnessOf('cow/pin-mprotect-write', '5.9').witness;
  const places = new Places(machine);
  const wordOf = (array: Int32Array, index: number): number => (array.byteOffset >> 2) + index;

  test.each([
    ['page.refcount', machine.k.page.refcount, 12],
    ['contents', machine.k.contents, 6142],
    ['contents', machine.k.contents, machine.k.contents.length - 1],
    ['lit.vars', machine.k.lit.vars, 0],
    ['mm.mmapLock', machine.k.mm.mmapLock, 1],
    ['tlb', machine.k.tlb, 3],
    ['pins', machine.k.pins, 6],
    ['freeBlocks[3]', machine.k.freeBlocks[3] ?? new Int32Array(), 2],
    ['stacks', machine.stacks, 5],
  ])('%s', (name, array, index) => {
    expect(places.placeOf(wordOf(array, index))).toEqual({ array: name, index });
  });

  test('a word outside all arrays is refused', () => {
    expect(() => places.placeOf(machine.arena.length)).toThrow(RangeError);
  });
});
