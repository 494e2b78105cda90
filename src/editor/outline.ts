/** The parts of a test as a tree: its name, the initial block with its variables, threads, the condition. */
import { type DocumentSymbol, SymbolKind } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Span } from '../litmus/ast.ts';
import { formatType } from '../litmus/types.ts';
import { rangeOf } from './range.ts';
import { type Occurrence, occurrences } from './references.ts';
import type { Source } from './source.ts';
import { variableOf } from './types.ts';

/** One entry for each variable of that owner, at its first occurrence between the two offsets. */
const variablesIn = (source: Source, document: TextDocument, part: Span): DocumentSymbol[] => {
  const seen = new Set<string>();
  const first: Occurrence[] = [];
  for (const o of occurrences(source)) {
    const inside = o.span.start >= part.start && o.span.end <= part.end;
    const made = o.role !== 'read' && (o.role === 'define' || o.thread !== null);
    if (o.kind !== 'variable' || !inside || !made || seen.has(o.name)) continue;
    seen.add(o.name);
    first.push(o);
  }
  return first.map((o) => {
    const type = variableOf(source, o)?.type;
    const range = rangeOf(document, o.span);
    return {
      name: o.name,
      ...(type === undefined ? {} : { detail: formatType(type) }),
      kind: SymbolKind.Variable,
      range,
      selectionRange: range,
    };
  });
};

/** The outline of a text, of whatever parts it has. */
export const outlineOf = (source: Source, document: TextDocument): DocumentSymbol[] => {
  const { test, tokens } = source;
  const header = tokens.find((t) => t.kind === 'header');
  const parts: DocumentSymbol[] = [];
  const add = (name: string, kind: SymbolKind, whole: Span, own: Span, children = true): void => {
    parts.push({
      name,
      kind,
      range: rangeOf(document, whole),
      selectionRange: rangeOf(document, own),
      ...(children ? { children: variablesIn(source, document, whole) } : {}),
    });
  };
  const { init, condition } = test;
  if (init.span.end > init.span.start)
    add('initial block', SymbolKind.Constructor, init.span, {
      ...init.span,
      end: init.span.start + 1,
    });
  for (const t of test.threads) add(t.name, SymbolKind.Function, t.span, t.nameSpan);
  if (condition.span.end > condition.span.start)
    add(condition.quantifier, SymbolKind.Boolean, condition.span, condition.span, false);
  if (header === undefined) return parts;
  const end = tokens.at(-1)?.span.end ?? header.span.end;
  return [
    {
      name: test.name,
      ...(test.title === null ? {} : { detail: test.title }),
      kind: SymbolKind.Module,
      range: rangeOf(document, { start: header.span.start, end }),
      selectionRange: rangeOf(document, header.span),
      children: parts,
    },
  ];
};
