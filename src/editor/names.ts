/** The names of a test that can be written at a place. */
import type { Type } from '../litmus/ast.ts';
import { formatType } from '../litmus/types.ts';
import { type Occurrence, occurrences, type SymbolKind } from './references.ts';
import type { Source } from './source.ts';
import { variableOf } from './types.ts';

export interface Name {
  readonly name: string;
  /** As C writes it; '' where it is not known. */
  readonly type: string;
  /** Undefined where the text does not let it be known. */
  readonly known: Type | undefined;
}

/** Occurrences but for the one being typed. */
const others = (source: Source, at: number): Occurrence[] => {
  const typed = source.tokens[at]?.span.start;
  return occurrences(source).filter((o) => o.span.start !== typed);
};

/** Variables of the initial block, and those of the thread; each once, the thread's own first. */
export const namesInReach = (source: Source, thread: string | null, at: number): Name[] => {
  const found = new Map<string, Name>();
  const list = others(source, at).filter(
    (o) => o.kind === 'variable' && (o.thread === null || o.thread === thread),
  );
  for (const o of [...list].sort((a, b) => Number(a.thread === null) - Number(b.thread === null))) {
    const known = variableOf(source, o)?.type;
    found.set(o.name, {
      name: o.name,
      type: known === undefined ? '' : formatType(known),
      known,
    });
  }
  return [...found.values()];
};

/** Names of events, barriers or locks, and of threads, in the order of the text. */
export const namesOfKind = (source: Source, kind: SymbolKind, at: number): string[] => [
  ...new Set(
    others(source, at)
      .filter((o) => o.kind === kind)
      .map((o) => o.name),
  ),
];
