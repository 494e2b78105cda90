/** Entries of a completion list, kind by kind. */
import {
  type CompletionItem,
  CompletionItemKind,
  InsertTextFormat,
  MarkupKind,
} from 'vscode-languageserver';
import type { CallForm, CallSpec } from '../litmus/calls.ts';
import type { Constant } from '../litmus/constants.ts';
import type { QuerySpec } from '../litmus/queries.ts';
import { callNotes, constantNotes, queryNotes } from './documentation.ts';

/** What should stand first: 0 fits here, 1 is of this test, 2 is possible, 3 is unlikely. */
export type Rank = 0 | 1 | 2 | 3;

const markdown = (value: string) => ({ kind: MarkupKind.Markdown, value });

/** `name(${1:addr}, ${2:length})`, behind it `;` where it is a statement. */
const callSnippet = (name: string, form: CallForm, behind: string): string =>
  `${name}(${form.params.map((p, i) => `\${${i + 1}:${p.name}}`).join(', ')})${behind}$0`;

/** Text with places to fill in. */
export const snippet = (
  label: string,
  text: string,
  detail: string,
  rank: Rank = 2,
): CompletionItem => ({
  label,
  kind: CompletionItemKind.Snippet,
  detail,
  insertText: text,
  insertTextFormat: InsertTextFormat.Snippet,
  sortText: `${rank}${label}`,
});

/** An item for a word of the language. */
export const keyword = (label: string, rank: Rank = 2): CompletionItem => ({
  label,
  kind: CompletionItemKind.Keyword,
  sortText: `${rank}${label}`,
});

export const symbol = (
  label: string,
  kind: CompletionItemKind,
  detail: string,
  rank: Rank,
): CompletionItem => ({ label, kind, detail, sortText: `${rank}${label}` });

export const constantItem = (c: Constant, rank: Rank): CompletionItem => ({
  label: c.name,
  kind: CompletionItemKind.Constant,
  detail: `${c.family} = ${c.value}`,
  documentation: markdown(constantNotes(c.name) ?? ''),
  sortText: `${rank}${c.name}`,
});

/**
 * One entry for each form of a call.
 * @param asStatement ends with `;`
 * @param prefix `kernel: ` where a call of the kernel is offered in user mode
 */
export const callItems = (
  spec: CallSpec,
  asStatement: boolean,
  prefix: string,
  rank: Rank,
): CompletionItem[] =>
  spec.forms.map((form, i) => ({
    label: spec.name,
    labelDetails: { detail: `(${form.params.map((p) => p.name).join(', ')})` },
    kind: CompletionItemKind.Function,
    detail: form.signature,
    documentation: markdown(callNotes(spec)),
    insertText: prefix + callSnippet(spec.name, form, asStatement ? ';' : ''),
    insertTextFormat: InsertTextFormat.Snippet,
    filterText: spec.name,
    sortText: `${rank}${spec.name}${i}`,
  }));

export const queryItem = (q: QuerySpec): CompletionItem => {
  const pages = Array.from({ length: q.pages }, (_, i) => `\${${i + 1}:0:buf}`).join(', ');
  return {
    label: q.name,
    kind: CompletionItemKind.Function,
    detail: q.gives === 'truth' ? 'true or false' : 'a number',
    documentation: markdown(queryNotes(q.name) ?? ''),
    insertText: `${q.name}(${pages})${q.gives === 'number' ? '=$0' : '$0'}`,
    insertTextFormat: InsertTextFormat.Snippet,
    sortText: `1${q.name}`,
  };
};

/** The same entry for an editor without snippets: the name alone. */
export const withoutSnippet = (item: CompletionItem): CompletionItem => {
  if (item.insertTextFormat !== InsertTextFormat.Snippet) return item;
  const { insertText = '', insertTextFormat: _, ...rest } = item;
  const plain = insertText.replace(/\$\{\d+:([^}]*)\}/g, '$1').replace(/\$\d+/g, '');
  return { ...rest, insertText: item.kind === CompletionItemKind.Snippet ? plain : item.label };
};
