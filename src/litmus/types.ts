/** The types of the language: integers by name, pointers, arrays, `struct page *`. */
import type { IntType, PointerType, Type, VoidType } from './ast.ts';

const int = (name: string, size: 1 | 2 | 4 | 8, signed: boolean): [string, IntType] => [
  name,
  { kind: 'int', name, size, signed },
];

/** Every integer type by its canonical name; sizes as on x86-64. */
export const INT_TYPES: ReadonlyMap<string, IntType> = new Map([
  int('char', 1, true),
  int('signed char', 1, true),
  int('unsigned char', 1, false),
  int('bool', 1, false),
  int('short', 2, true),
  int('unsigned short', 2, false),
  int('int', 4, true),
  int('unsigned int', 4, false),
  int('long', 8, true),
  int('unsigned long', 8, false),
  int('long long', 8, true),
  int('unsigned long long', 8, false),
  ...(['8', '16', '32', '64'] as const).flatMap((bits) => {
    const size = (Number(bits) / 8) as 1 | 2 | 4 | 8;
    return [
      int(`u${bits}`, size, false),
      int(`s${bits}`, size, true),
      int(`__u${bits}`, size, false),
      int(`__s${bits}`, size, true),
      int(`uint${bits}_t`, size, false),
      int(`int${bits}_t`, size, true),
    ];
  }),
  int('size_t', 8, false),
  int('ssize_t', 8, true),
  int('off_t', 8, true),
  int('loff_t', 8, true),
  int('uintptr_t', 8, false),
  int('pid_t', 4, true),
]);

/** Words that C's own integer types are made of, in any order: `unsigned long int`. */
const C_WORDS = new Set(['char', 'short', 'int', 'long', 'signed', 'unsigned']);

/** The first word of some type (or a qualifier before one). */
export const isTypeWord = (word: string): boolean =>
  C_WORDS.has(word) ||
  INT_TYPES.has(word) ||
  word === 'struct' ||
  word === 'void' ||
  word === 'const' ||
  word === 'volatile';

/** Whether C has the word for itself. */
export const isCWord = (word: string): boolean => C_WORDS.has(word);

/** `long unsigned int` -> the type `unsigned long`; undefined for nonsense such as `short long`. */
export const intFromWords = (words: readonly string[]): IntType | undefined => {
  const count = (w: string): number => words.filter((x) => x === w).length;
  if (
    count('signed') + count('unsigned') > 1 ||
    count('int') > 1 ||
    count('char') > 1 ||
    count('short') > 1
  )
    return undefined;
  const base = [
    ...Array.from({ length: count('short') }, () => 'short'),
    ...Array.from({ length: count('long') }, () => 'long'),
    ...Array.from({ length: count('char') }, () => 'char'),
  ].join(' ');
  if (base.includes('char') && count('int') > 0) return undefined;
  const name = base === '' ? 'int' : base;
  if (count('unsigned') > 0) return INT_TYPES.get(`unsigned ${name}`);
  if (count('signed') > 0 && name === 'char') return INT_TYPES.get('signed char');
  return INT_TYPES.get(name);
};

const known = (name: string): IntType => {
  const type = INT_TYPES.get(name);
  if (type === undefined) throw new Error(`no such integer type: ${name}`);
  return type;
};

export const INT: IntType = known('int');
export const LONG: IntType = known('long');
export const CHAR: IntType = known('char');
/** Of what was refused already; nothing more is said about it. Compared by identity. */
export const UNKNOWN: IntType = { ...known('long') };
export const VOID: VoidType = { kind: 'void' };
export const pointerTo = (to: Type): PointerType => ({ kind: 'pointer', to });
export const CHAR_POINTER: PointerType = pointerTo(CHAR);
export const VOID_POINTER: PointerType = pointerTo(VOID);
export const PAGE_POINTER: PointerType = pointerTo({ kind: 'struct', tag: 'page' });

export const isInt = (t: Type): t is IntType => t.kind === 'int';
/** `struct page *` or `struct folio *`. */
export const isPage = (t: Type): boolean => t.kind === 'pointer' && t.to.kind === 'struct';
/** A pointer into user memory. */
export const isUserPointer = (t: Type): boolean =>
  t.kind === 'pointer' &&
  (t.to.kind === 'int' || t.to.kind === 'void' || (t.to.kind === 'pointer' && isUserPointer(t.to)));
/** `struct page *pages[n]`. */
export const isPages = (t: Type): boolean => t.kind === 'array' && isPage(t.of);

/** Bytes; arrays are elements times length. */
export const sizeOf = (t: Type): number => {
  switch (t.kind) {
    case 'int':
      return t.size;
    case 'pointer':
      return 8;
    case 'array':
      return sizeOf(t.of) * t.length;
    case 'void':
    case 'struct':
      return 1;
  }
};

/** Whether two types are the same in all parts. */
export const sameType = (a: Type, b: Type): boolean => {
  if (a.kind === 'int') return b.kind === 'int' && a.size === b.size && a.signed === b.signed;
  if (a.kind === 'pointer') return b.kind === 'pointer' && sameType(a.to, b.to);
  if (a.kind === 'array')
    return b.kind === 'array' && a.length === b.length && sameType(a.of, b.of);
  if (a.kind === 'struct') return b.kind === 'struct' && a.tag === b.tag;
  return b.kind === 'void';
};

/** A declaration as C writes it: `char *buf`, `struct page *pages[4]`; without a name, the bare type. */
export const formatType = (type: Type, name = ''): string => {
  if (type.kind === 'array') return formatType(type.of, `${name}[${type.length}]`);
  if (type.kind === 'pointer') return formatType(type.to, `*${name}`);
  const base =
    type.kind === 'int' ? type.name : type.kind === 'void' ? 'void' : `struct ${type.tag}`;
  return name === '' ? base : `${base} ${name}`;
};

/** The type that a number has in an expression: small ones become `int`. */
export const promoted = (t: IntType): IntType =>
  t.size < 4
    ? INT
    : (INT_TYPES.get(`${t.signed ? '' : 'unsigned '}${t.size === 8 ? 'long' : 'int'}`) ?? t);

/** The type in which two numbers are added or compared: the larger one, without a sign if one of that size has none. */
export const arithmeticType = (a: IntType, b: IntType): IntType => {
  const [x, y] = [promoted(a), promoted(b)];
  if (x.size !== y.size) return x.size > y.size ? x : y;
  return x.signed ? y : x;
};
