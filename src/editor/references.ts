/** What each name of a text stands for: a symbol of the test, or a word of the language. */
import type { Span } from '../litmus/ast.ts';
import { CALLS, type Param } from '../litmus/calls.ts';
import { CONSTANTS } from '../litmus/constants.ts';
import { COUNTERS, QUERIES } from '../litmus/queries.ts';
import { isReserved } from '../litmus/words.ts';
import type { Source } from './source.ts';

export type SymbolKind = 'variable' | 'thread' | 'event' | 'barrier' | 'lock';

/** One occurrence of a symbol. */
export interface Occurrence {
  readonly kind: SymbolKind;
  /** `buf`, `P1`, `written`. */
  readonly name: string;
  /** Of a variable: the thread it belongs to; null for one of the initial block, and for other kinds. */
  readonly thread: string | null;
  /** define: where it comes into being (for an event: a `post`). */
  readonly role: 'define' | 'write' | 'read';
  /** Where it is written; `1` of `1:r0` for a thread. */
  readonly span: Span;
}

export type Reference =
  | { readonly kind: 'symbol'; readonly occurrence: Occurrence }
  | {
      readonly kind: 'call' | 'constant' | 'query' | 'counter';
      readonly name: string;
      readonly span: Span;
    };

/** Whether a token is a word of the language itself: of a statement, a type, `kernel:`, `struct page`. */
const isKeyword = (source: Source, i: number): boolean => {
  const name = source.tokens[i]?.text ?? '';
  if (name === 'kernel') return source.tokens[i + 1]?.text === ':';
  return isReserved(name) || source.tokens[i - 1]?.text === 'struct';
};

const WRITES = /^(?:[-+*&|^]|<<|>>)?=$|^\+\+$|^--$/;

/** The parameters that an argument of a call may be, one for each form that has so many. */
export const paramsAt = (call: string, argument: number): Param[] =>
  (CALLS.get(call)?.forms ?? []).flatMap((f) => f.params[argument] ?? []);

const namedKind = (source: Source, i: number): SymbolKind | null => {
  const call = source.places[i]?.call ?? null;
  if (call === null) return null;
  for (const { type } of paramsAt(call.name, call.argument))
    if (type === 'event' || type === 'barrier' || type === 'lock') return type;
  return null;
};

/** Names that the initial block mentions: its variables, for nothing else can be named there. */
const globalsOf = (source: Source): Set<string> =>
  new Set(
    source.tokens
      .filter((t, i) => {
        if (t.kind !== 'name' || source.places[i]?.section !== 'init') return false;
        const called = source.tokens[i + 1]?.text === '(';
        const taken = called || isKeyword(source, i) || CONSTANTS.has(t.text);
        return !taken && namedKind(source, i) === null;
      })
      .map((t) => t.text),
  );

const referenceAt = (source: Source, globals: ReadonlySet<string>, i: number): Reference | null => {
  const t = source.tokens[i];
  const place = source.places[i];
  if (t === undefined || place === undefined) return null;
  const { text: name, span } = t;
  const symbol = (
    kind: SymbolKind,
    role: Occurrence['role'],
    thread: string | null = null,
    as = name,
  ): Reference => ({ kind: 'symbol', occurrence: { kind, name: as, thread, role, span } });

  if (place.prefix)
    return symbol('thread', 'read', null, t.kind === 'number' ? `P${t.value}` : name);
  if (t.kind !== 'name') return null;
  const next = source.tokens[i + 1]?.text ?? '';
  if (place.section === 'top')
    return /^[PK]\d+$/.test(name) && next === '(' ? symbol('thread', 'define') : null;
  if (isKeyword(source, i)) return null;
  if (place.section === 'condition') {
    if (place.thread === null && QUERIES.has(name)) return { kind: 'query', name, span };
    if (place.thread === null && COUNTERS.has(name)) return { kind: 'counter', name, span };
    if (next === '(') return null;
  } else if (next === '(') return { kind: 'call', name, span };
  if (CONSTANTS.has(name)) return { kind: 'constant', name, span };
  if (/^[PK]\d+$/.test(name)) return symbol('thread', 'read');
  const kind = place.section === 'condition' ? null : namedKind(source, i);
  if (kind !== null) return symbol(kind, place.call?.name === 'post' ? 'define' : 'read');
  const writes = place.starts && WRITES.test(next);
  const role = place.declares ? 'define' : writes ? 'write' : 'read';
  const owner = place.section === 'init' || globals.has(name) ? null : place.thread;
  if (owner === null && !globals.has(name)) return null;
  return symbol('variable', role, owner);
};

/** The reference of each token, or null; in the order of the tokens. */
export const references = (source: Source): (Reference | null)[] => {
  const globals = globalsOf(source);
  return source.tokens.map((_, i) => referenceAt(source, globals, i));
};

/** Every occurrence of every symbol, in the order of the text. */
export const occurrences = (source: Source): Occurrence[] =>
  references(source).flatMap((r) => (r?.kind === 'symbol' ? [r.occurrence] : []));

/** Whether both are the same symbol. */
export const isSame = (a: Occurrence, b: Occurrence): boolean =>
  a.kind === b.kind && a.name === b.name && a.thread === b.thread;
