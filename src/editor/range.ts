/** Offsets to positions of the protocol: lines from 0, characters in UTF-16 units, as JavaScript's strings have them. */
import type { Range } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Span } from '../litmus/ast.ts';

/** The range of a span in a document. */
export const rangeOf = (document: TextDocument, span: Pick<Span, 'start' | 'end'>): Range => ({
  start: document.positionAt(span.start),
  end: document.positionAt(span.end),
});

/** All of it. */
export const wholeRange = (document: TextDocument): Range =>
  rangeOf(document, { start: 0, end: document.getText().length });
