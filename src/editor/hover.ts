/** What is under the pointer. */
import { type Hover, MarkupKind } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { notesOf } from './documentation.ts';
import { rangeOf } from './range.ts';
import { references } from './references.ts';
import { type Source, tokenAt } from './source.ts';

/** Signature and meaning of the name at an offset, or null. */
export const hoverAt = (source: Source, document: TextDocument, offset: number): Hover | null => {
  const at = tokenAt(source, offset);
  const token = at === null ? undefined : source.tokens[at];
  const reference = at === null ? null : references(source)[at];
  if (token === undefined || reference == null) return null;
  const value = notesOf(source, reference);
  if (value === null) return null;
  return {
    contents: { kind: MarkupKind.Markdown, value },
    range: rangeOf(document, token.span),
  };
};
