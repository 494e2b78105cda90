/** The value of an expression that literals and constants alone decide, computed in 64 bits as C does. */
import type { BinaryOp, Expr } from './ast.ts';
import { CONSTANTS } from './constants.ts';

const wrap = (n: bigint): bigint => BigInt.asIntN(64, n);
const truth = (b: boolean): bigint => (b ? 1n : 0n);

const binary = (op: BinaryOp, a: bigint, b: bigint): bigint | null => {
  switch (op) {
    case '+':
      return wrap(a + b);
    case '-':
      return wrap(a - b);
    case '*':
      return wrap(a * b);
    case '/':
      return b === 0n ? null : wrap(a / b);
    case '%':
      return b === 0n ? null : wrap(a % b);
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return b < 0n || b > 63n ? null : wrap(a << b);
    case '>>':
      return b < 0n || b > 63n ? null : a >> b;
    case '==':
      return truth(a === b);
    case '!=':
      return truth(a !== b);
    case '<':
      return truth(a < b);
    case '<=':
      return truth(a <= b);
    case '>':
      return truth(a > b);
    case '>=':
      return truth(a >= b);
    case '&&':
      return truth(a !== 0n && b !== 0n);
    case '||':
      return truth(a !== 0n || b !== 0n);
  }
};

const evaluate = (e: Expr): bigint | null => {
  switch (e.kind) {
    case 'number':
      return BigInt(e.value);
    case 'name': {
      const constant = CONSTANTS.get(e.name);
      return constant === undefined ? null : BigInt(constant.value);
    }
    case 'unary': {
      const v = evaluate(e.operand);
      if (v === null) return null;
      if (e.op === '-') return wrap(-v);
      if (e.op === '~') return ~v;
      if (e.op === '!') return truth(v === 0n);
      return null;
    }
    case 'binary': {
      const a = evaluate(e.left);
      const b = evaluate(e.right);
      return a === null || b === null ? null : binary(e.op, a, b);
    }
    case 'conditional': {
      const test = evaluate(e.test);
      if (test === null) return null;
      return evaluate(test !== 0n ? e.consequent : e.alternate);
    }
    case 'cast': {
      const v = evaluate(e.operand);
      if (v === null || e.type.kind !== 'int') return v;
      const bits = e.type.size * 8;
      return e.type.signed ? BigInt.asIntN(bits, v) : BigInt.asUintN(bits, v);
    }
    default:
      return null;
  }
};

/** The value, or null if anything but literals and constants takes part or it is no safe integer. */
export const constantValue = (e: Expr): number | null => {
  const v = evaluate(e);
  if (v === null) return null;
  const n = Number(v);
  return Number.isSafeInteger(n) ? n : null;
};
