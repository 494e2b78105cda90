/**
 * Where everything that a test names lives: variables in pairs of words, the globals of each process first (so that a
 * fork copies one run of words), then the locals and registers of each thread; `struct page *` arrays in kernel memory,
 * which all processes share.
 */
import type { Type } from '../ast.ts';
import type { CheckedTest, VariableInfo } from '../checked.ts';

/** A variable for a given thread: a pair of words, or words of kernel memory from the test's first. */
export type Place =
  | { readonly kind: 'var'; readonly index: number }
  | { readonly kind: 'kmem'; readonly offset: number };

export interface Layout {
  readonly globals: number;
  readonly processes: number;
  /** Process of each thread by its index in the file. */
  readonly processOf: readonly number[];
  /** Pairs of words so far; `temporary` takes more. */
  readonly vars: number;
  readonly kmemWords: number;
  readonly strings: string[];
  /** Variables of each thread that no other thread can read or write: its locals, registers and temporaries. */
  readonly own: readonly (readonly number[])[];
  place(variable: VariableInfo, thread: number): Place;
  /** One more variable for intermediate values of `thread`; -1: of the initial block. */
  temporary(thread: number): number;
  string(text: string): number;
}

/** An array of `struct page *` or `struct folio *`. */
export const isPageArray = (type: Type): boolean => type.kind === 'array' && isPage(type.of);

/** `struct page *` or `struct folio *`. */
export const isPage = (type: Type): boolean => type.kind === 'pointer' && type.to.kind === 'struct';

const pairs = (type: Type): number => (type.kind === 'array' ? type.length : 1);

/** Gives each variable its place: threads with their processes, globals, locals, arrays in kernel memory. */
export const layoutOf = (checked: CheckedTest): Layout => {
  let processes = 1;
  const processOf = checked.threads.map((t) => (t.forkedBy === null ? 0 : processes++));
  const globalAt = new Map<string, number>();
  const kmemAt = new Map<VariableInfo, number>();
  let globals = 0;
  let kmemWords = 0;
  const claim = (variable: VariableInfo): boolean => {
    if (!isPageArray(variable.type)) return false;
    kmemAt.set(variable, kmemWords);
    kmemWords += pairs(variable.type);
    return true;
  };
  for (const g of checked.globals) {
    if (claim(g)) continue;
    globalAt.set(g.name, globals);
    globals += pairs(g.type);
  }
  let vars = globals * processes;
  const own = checked.threads.map((): number[] => []);
  const take = (thread: number, count: number): number => {
    const first = vars;
    vars += count;
    for (let v = first; v < vars; v++) own[thread]?.push(v);
    return first;
  };
  const localAt = checked.threads.map((thread, t) => {
    const at = new Map<string, number>();
    for (const v of thread.variables) if (!claim(v)) at.set(v.name, take(t, pairs(v.type)));
    return at;
  });
  const strings: string[] = [];
  return {
    globals,
    processes,
    processOf,
    own,
    get vars() {
      return vars;
    },
    get kmemWords() {
      return kmemWords;
    },
    strings,
    place(variable, thread) {
      const offset = kmemAt.get(variable);
      if (offset !== undefined) return { kind: 'kmem', offset };
      const global = variable.storage === 'global' ? globalAt.get(variable.name) : undefined;
      if (global !== undefined)
        return { kind: 'var', index: (processOf[thread] ?? 0) * globals + global };
      const local = localAt[thread]?.get(variable.name);
      if (local === undefined) throw new RangeError(`no place for ${variable.name}`);
      return { kind: 'var', index: local };
    },
    temporary: (thread) => take(thread, 1),
    string(text) {
      const known = strings.indexOf(text);
      return known >= 0 ? known : strings.push(text) - 1;
    },
  };
};
