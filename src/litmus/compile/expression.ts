/**
 * Expressions to functions of the machine. What needs a step of its own (a load from user memory, a call) is handed to
 * `effects`: a body emits an instruction before the one that uses the value, a condition looks at the final state.
 */
import type { BinaryExpr, CallExpr, Expr, IndexExpr, NameExpr, Type, UnaryExpr } from '../ast.ts';
import type { CheckedTest } from '../checked.ts';
import { type Eval, LIMIT, type Lit } from '../run/program.ts';
import { getVar } from '../run/values.ts';
import { arithmeticType, promoted } from '../types.ts';
import { BINARY, binaryIn, toInt, UNARY } from './arithmetic.ts';
import { isPageArray, type Layout, type Place } from './layout.ts';

export interface Effects {
  /** The value at a user address. */
  load(address: Eval, size: number, signed: boolean, line: number): Eval;
  /** The value that a call returns. */
  call(call: CallExpr): Eval;
  /** A variable that other threads may assign; `read` reads it. */
  shared(place: Place, read: Eval, line: number): Eval;
  /** One of two values, of which only the one that `test` chooses makes its steps. Without it, nothing makes steps. */
  choose?(test: Eval, yes: () => Eval, no: () => Eval, line: number): Eval;
}

export interface Context {
  readonly checked: CheckedTest;
  readonly layout: Layout;
  /** Index of the thread in the file; -1: the initial block. */
  readonly thread: number;
  readonly effects: Effects;
  /** Told of each variable whose value an expression reads. */
  readonly reads: (index: number) => void;
  /** Told of each variable that something else may read or write: its number is given away. */
  readonly escapes: (index: number) => void;
}

/** Bytes that a pointer's target has; 1 for void. */
const targetSize = (type: Type | undefined): number => {
  const to = type?.kind === 'pointer' ? type.to : type?.kind === 'array' ? type.of : undefined;
  return to?.kind === 'int' ? to.size : to?.kind === 'pointer' ? 8 : 1;
};

const targetOf = (type: Type | undefined): { size: number; signed: boolean } => {
  const to = type?.kind === 'pointer' ? type.to : undefined;
  return to?.kind === 'int'
    ? { size: to.size, signed: to.signed }
    : { size: to?.kind === 'pointer' ? 8 : 1, signed: false };
};

const typeOf = (c: Context, e: Expr): Type | undefined => c.checked.types.get(e);

/** Where a name's variable is; undefined for a constant. */
export const placeOf = (c: Context, e: NameExpr): Place | undefined => {
  const binding = c.checked.bindings.get(e);
  return binding?.kind === 'variable'
    ? c.layout.place(binding.variable, Math.max(0, c.thread))
    : undefined;
};

/** Compiles an expression to its value. */
export const compileExpr = (c: Context, e: Expr): Eval => {
  switch (e.kind) {
    case 'number':
      return constant(e.value);
    case 'string':
      return constant(c.layout.string(e.value));
    case 'name':
      return compileName(c, e);
    case 'unary':
      return compileUnary(c, e);
    case 'binary': {
      if ((e.op === '&&' || e.op === '||') && makesSteps(c, e.right)) return compileLazy(c, e);
      const left = { value: compileExpr(c, e.left), type: typeOf(c, e.left) };
      const right = { value: compileExpr(c, e.right), type: typeOf(c, e.right) };
      return compileBinary(e.op, left, right, e.span.line);
    }
    case 'conditional': {
      const test = compileExpr(c, e.test);
      if (
        c.effects.choose !== undefined &&
        [e.consequent, e.alternate].some((x) => makesSteps(c, x))
      )
        return c.effects.choose(
          test,
          () => compileExpr(c, e.consequent),
          () => compileExpr(c, e.alternate),
          e.span.line,
        );
      const yes = compileExpr(c, e.consequent);
      const no = compileExpr(c, e.alternate);
      return (k) => (test(k) !== 0 ? yes(k) : no(k));
    }
    case 'index':
      return compileIndex(c, e);
    case 'cast': {
      const operand = compileExpr(c, e.operand);
      const type = e.type;
      return type.kind === 'int' ? (k) => toInt(operand(k), type) : operand;
    }
    case 'call':
      return c.effects.call(e);
  }
};

/** Whether finding the value may take more than a look at the thread's own variables. */
const makesSteps = (c: Context, e: Expr): boolean => {
  switch (e.kind) {
    case 'number':
    case 'string':
      return false;
    case 'name':
      return placeOf(c, e)?.kind === 'var' && c.checked.globals.some((g) => g.name === e.name);
    case 'call':
      return true;
    case 'unary':
      return e.op === '*' || makesSteps(c, e.operand);
    case 'binary':
      return makesSteps(c, e.left) || makesSteps(c, e.right);
    case 'conditional':
      return [e.test, e.consequent, e.alternate].some((x) => makesSteps(c, x));
    case 'index':
      return typeOf(c, e.base)?.kind !== 'array' || makesSteps(c, e.index);
    case 'cast':
      return makesSteps(c, e.operand);
  }
};

/** `&&` and `||` whose second operand must not be looked at when the first one decides. */
const compileLazy = (c: Context, e: BinaryExpr): Eval => {
  const and = e.op === '&&';
  const left = compileExpr(c, e.left);
  const right = (): Eval => {
    const value = compileExpr(c, e.right);
    return (k) => (value(k) !== 0 ? 1 : 0);
  };
  if (c.effects.choose !== undefined)
    return c.effects.choose(
      left,
      and ? right : () => constant(1),
      and ? () => constant(0) : right,
      e.span.line,
    );
  const value = right();
  return and ? (k) => (left(k) !== 0 ? value(k) : 0) : (k) => (left(k) !== 0 ? 1 : value(k));
};

/** An operand: its value, and the type that tells what pointer arithmetic counts in. */
interface Operand {
  readonly value: Eval;
  readonly type: Type | undefined;
}

/** `left op right`, as an expression and as what `left op= right` stores. */
export const compileBinary = (
  op: BinaryExpr['op'],
  { value: left, type: leftType }: Operand,
  { value: right, type: rightType }: Operand,
  line: number,
): Eval => {
  if (op === '&&') return (k) => (left(k) !== 0 && right(k) !== 0 ? 1 : 0);
  if (op === '||') return (k) => (left(k) !== 0 || right(k) !== 0 ? 1 : 0);
  const apply = operatorOf(op, leftType, rightType);
  const shifts = op === '<<' || op === '>>';
  const adds = op === '+' || op === '-';
  // Pointer arithmetic counts in what is pointed at; arrays of pages in words of kernel memory.
  const scaleRight = adds && !isAddress(rightType) ? unitOf(leftType) : 1;
  const scaleLeft = op === '+' && !isAddress(leftType) ? unitOf(rightType) : 1;
  const distance = op === '-' && isAddress(leftType) && isAddress(rightType) ? unitOf(leftType) : 1;
  return (k) => {
    const [a, b] = [left(k) * scaleLeft, right(k) * scaleRight];
    const value = apply(a, b);
    // Sticky on purpose: what is not exact is never claimed, whatever is taken back.
    if (!Number.isSafeInteger(value) || (shifts && (b < 0 || b > 63)))
      k.lit.limits[LIMIT.inexact] = line;
    return distance === 1 ? value : Math.trunc(value / distance);
  };
};

export const constant =
  (value: number): Eval =>
  () =>
    value;

const operatorOf = (
  op: keyof typeof BINARY,
  left: Type | undefined,
  right: Type | undefined,
): ((a: number, b: number) => number) => {
  if (left?.kind !== 'int' || right?.kind !== 'int') return BINARY[op];
  const shifts = op === '<<' || op === '>>';
  return binaryIn(op, shifts ? promoted(left) : arithmeticType(left, right));
};

const isAddress = (type: Type | undefined): boolean =>
  type?.kind === 'pointer' || type?.kind === 'array';

/** What an integer added to a value of that type is multiplied by; 1 when that is no address. */
const unitOf = (type: Type | undefined): number =>
  type === undefined || isPageArray(type) ? 1 : isAddress(type) ? targetSize(type) : 1;

const compileName = (c: Context, e: NameExpr): Eval => {
  const binding = c.checked.bindings.get(e);
  if (binding?.kind === 'constant') return constant(binding.value);
  const place = placeOf(c, e);
  if (place === undefined) throw new RangeError(`${e.name} has no meaning here`);
  if (place.kind === 'kmem') return (k) => k.lit.kmem + place.offset;
  const index = place.index;
  const type = typeOf(c, e);
  if (type?.kind === 'array') {
    for (let i = 0; i < type.length; i++) c.escapes(index + i);
    return constant(index);
  }
  c.reads(index);
  return c.effects.shared(place, (k) => getVar(k, index), e.span.line);
};

const compileUnary = (c: Context, e: UnaryExpr): Eval => {
  if (e.op === '&') return addressOf(c, e.operand);
  const operand = compileExpr(c, e.operand);
  if (e.op === '*') {
    const type = typeOf(c, e.operand);
    if (type !== undefined && isPageArray(type)) return (k) => k.kmem[operand(k)];
    const { size, signed } = targetOf(type);
    return c.effects.load(operand, size, signed, e.span.line);
  }
  const apply = UNARY[e.op];
  const type = typeOf(c, e);
  if (type?.kind !== 'int' || type.signed) return (k) => apply(operand(k));
  return (k) => toInt(apply(operand(k)), type);
};

/** `&x` for a call that fills x: the number of its words. `&pages[1]`: the word of kernel memory. `&buf[1]`: an address. */
const addressOf = (c: Context, e: Expr): Eval => {
  if (e.kind === 'name') {
    const place = placeOf(c, e);
    if (place?.kind === 'var') {
      c.escapes(place.index);
      return constant(place.index);
    }
    return compileExpr(c, e);
  }
  if (e.kind === 'index') return elementOf(c, e);
  if (e.kind === 'unary' && e.op === '*') return compileExpr(c, e.operand);
  throw new RangeError('& of something that has no address');
};

/** Address (or word of kernel memory, or number of the variable) of an element. */
export const elementOf = (c: Context, e: IndexExpr): Eval => {
  const base = compileExpr(c, e.base);
  const index = compileExpr(c, e.index);
  const type = typeOf(c, e.base);
  const size = type?.kind === 'pointer' ? targetSize(type) : 1;
  if (type?.kind !== 'array') return (k) => base(k) + index(k) * size;
  const { length } = type;
  const line = e.span.line;
  return (k) => {
    const at = index(k);
    if (at >= 0 && at < length) return base(k) + at;
    // Sticky on purpose, as above. What lies beside the array is another variable: it is left alone.
    k.lit.limits[LIMIT.bounds] = line;
    return base(k);
  };
};

const compileIndex = (c: Context, e: IndexExpr): Eval => {
  const element = elementOf(c, e);
  const type = typeOf(c, e.base);
  if (type !== undefined && isPageArray(type)) return (k: Lit) => k.kmem[element(k)];
  if (type?.kind === 'array') return (k) => getVar(k, element(k));
  const { size, signed } = targetOf(type);
  return c.effects.load(element, size, signed, e.span.line);
};
