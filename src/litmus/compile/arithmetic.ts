/** C's operators on the numbers that stand for 64-bit values (exact below 2^53). */
import type { BinaryOp, IntType, UnaryOp } from '../ast.ts';

const isWord = (n: number): boolean => n === (n | 0);

const bits = (
  a: number,
  b: number,
  word: (x: number, y: number) => number,
  wide: (x: bigint, y: bigint) => bigint,
): number =>
  isWord(a) && isWord(b) ? word(a, b) : Number(BigInt.asIntN(64, wide(BigInt(a), BigInt(b))));

/** Every operator that needs both its operands; `&&` and `||` are lazy and are not here. */
export const BINARY: Readonly<
  Record<Exclude<BinaryOp, '&&' | '||'>, (a: number, b: number) => number>
> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  '%': (a, b) => (b === 0 ? 0 : a % b),
  '&': (a, b) =>
    bits(
      a,
      b,
      (x, y) => x & y,
      (x, y) => x & y,
    ),
  '|': (a, b) =>
    bits(
      a,
      b,
      (x, y) => x | y,
      (x, y) => x | y,
    ),
  '^': (a, b) =>
    bits(
      a,
      b,
      (x, y) => x ^ y,
      (x, y) => x ^ y,
    ),
  '<<': (a, b) => Number(BigInt.asIntN(64, BigInt(a) << BigInt(b & 63))),
  '>>': (a, b) => Math.floor(a / 2 ** (b & 63)),
  '==': (a, b) => (a === b ? 1 : 0),
  '!=': (a, b) => (a !== b ? 1 : 0),
  '<': (a, b) => (a < b ? 1 : 0),
  '<=': (a, b) => (a <= b ? 1 : 0),
  '>': (a, b) => (a > b ? 1 : 0),
  '>=': (a, b) => (a >= b ? 1 : 0),
};

/** `-`, `~`, `!`. */
export const UNARY: Readonly<Record<Exclude<UnaryOp, '*' | '&'>, (a: number) => number>> = {
  '-': (a) => -a,
  '~': (a) => -a - 1,
  '!': (a) => (a === 0 ? 1 : 0),
};

/** What is left of `value` in a variable of the type. */
export const toInt = (value: number, type: IntType): number => {
  if (type.size === 8) return value;
  const limit = 2 ** (8 * type.size);
  const low = ((value % limit) + limit) % limit;
  return type.signed && low >= limit / 2 ? low - limit : low;
};

const TWO_64 = 2 ** 64;

/**
 * The operator as C computes it in `type`, that both operands are converted to (of a shift, the left one). NaN: a value
 * without a sign that 53 bits do not hold.
 */
export const binaryIn = (
  op: keyof typeof BINARY,
  type: IntType,
): ((a: number, b: number) => number) => {
  const apply = BINARY[op];
  if (type.signed) return apply;
  const shifts = op === '<<' || op === '>>';
  const orders = ['==', '!=', '<', '<=', '>', '>='].includes(op);
  if (type.size < 8) {
    const convert = (n: number): number => toInt(n, type);
    if (orders) return (a, b) => apply(convert(a), convert(b));
    return (a, b) => {
      const value = apply(convert(a), shifts ? b : convert(b));
      return Number.isSafeInteger(value) ? convert(value) : Number.NaN;
    };
  }
  // A number below zero stands for one above 2^63.
  if (orders) {
    const above = (n: number, other: number): number => (n < 0 && other >= 0 ? n + TWO_64 : n);
    return (a, b) => apply(above(a, b), above(b, a));
  }
  const asksSign = op === '/' || op === '%' || op === '>>';
  return (a, b) => {
    const value = apply(a, b);
    return value < 0 || (asksSign && (a < 0 || b < 0)) ? Number.NaN : value;
  };
};
