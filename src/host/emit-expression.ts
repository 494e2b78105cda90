/** Expressions of the language in C. They are C already; names, types and calls need telling apart. */
import type { CallExpr, Expr, NameExpr, Type } from '../litmus/ast.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { sizeOf } from '../litmus/types.ts';

/** How names and memory look where the expression stands: in a body, or in the judge's answers. */
export interface Place {
  /** A variable of the initial block. */
  global(name: string): string;
  /** A local or a register of the thread that the expression belongs to. */
  own(name: string): string;
  /** The value at a user address; undefined: as C writes it. */
  readonly load?: (address: string, type: Type) => string;
  call(call: CallExpr): string;
}

/** A C declaration of the type: user memory is volatile, other people's integer names become C's. */
export const cDeclaration = (type: Type, name = ''): string => {
  if (type.kind === 'array') return cDeclaration(type.of, `${name}[${type.length}]`);
  if (type.kind === 'pointer')
    return cDeclaration(type.to, `*${name}`).replace(/^(?!volatile)/, 'volatile ');
  const base = type.kind === 'int' ? intName(type) : 'void';
  return name === '' ? base : `${base} ${name}`;
};

const intName = (type: Extract<Type, { kind: 'int' }>): string => {
  if (/^(char|short|int|long)$/.test(type.name)) return type.name;
  return type.name === 'signed char' ? type.name : `${type.signed ? '' : 'u'}int${8 * type.size}_t`;
};

/** An expression as C that means the same at that place. */
export const emitExpr = (checked: CheckedTest, place: Place, e: Expr): string => {
  const emit = (x: Expr): string => emitExpr(checked, place, x);
  /** In brackets unless it is one word, a call or an element. */
  const closed = (x: Expr): string => {
    const text = emit(x);
    return ['number', 'name', 'call', 'index', 'string'].includes(x.kind) && !text.startsWith('-')
      ? text
      : `(${text})`;
  };
  switch (e.kind) {
    case 'number':
      return e.value > 0x7fffffff ? `${e.value}L` : String(e.value);
    case 'string':
      return JSON.stringify(e.value);
    case 'name':
      return emitName(checked, place, e);
    case 'unary': {
      if (e.op === '*' && place.load !== undefined)
        return place.load(emit(e.operand), checked.types.get(e) ?? BYTE);
      if (e.op === '&' && e.operand.kind === 'index') return `&${rawIndex(e.operand)}`;
      return `${e.op}${closed(e.operand)}`;
    }
    case 'binary':
      return `${closed(e.left)} ${e.op} ${closed(e.right)}`;
    case 'conditional':
      return `${closed(e.test)} ? ${closed(e.consequent)} : ${closed(e.alternate)}`;
    case 'index': {
      const inMemory = checked.types.get(e.base)?.kind === 'pointer';
      if (place.load !== undefined && inMemory)
        return place.load(`&${rawIndex(e)}`, checked.types.get(e) ?? BYTE);
      return rawIndex(e);
    }
    case 'cast':
      return `(${cDeclaration(e.type)})${closed(e.operand)}`;
    case 'call':
      return place.call(e);
  }

  function rawIndex(x: Extract<Expr, { kind: 'index' }>): string {
    return `${closed(x.base)}[${emit(x.index)}]`;
  }
};

const BYTE: Type = { kind: 'int', name: 'char', size: 1, signed: true };

const emitName = (checked: CheckedTest, place: Place, e: NameExpr): string => {
  const binding = checked.bindings.get(e);
  if (binding === undefined) return e.name;
  if (binding.kind === 'constant')
    return e.name === 'true' || e.name === 'false' ? String(binding.value) : e.name;
  return binding.variable.storage === 'global' ? place.global(e.name) : place.own(e.name);
};

/** Bytes and sign of a value in memory, as arguments of peek(). */
export const peekShape = (type: Type): string =>
  `${sizeOf(type)}, ${type.kind === 'int' && type.signed ? 1 : 0}`;
