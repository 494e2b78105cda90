/** From a name to where it is made, to everywhere it is used, and to a new name. */
import {
  type DocumentHighlight,
  DocumentHighlightKind,
  type Location,
  type Range,
  type TextEdit,
} from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { reservedAs } from '../litmus/check-context.ts';
import { isTypeWord } from '../litmus/types.ts';
import { rangeOf } from './range.ts';
import { isSame, type Occurrence, occurrences } from './references.ts';
import type { Source } from './source.ts';

/** The occurrence at an offset and all of its symbol, or null where no symbol is. */
const symbolAt = (
  source: Source,
  offset: number,
): { here: Occurrence; all: Occurrence[] } | null => {
  const every = occurrences(source);
  const here = every.find((o) => o.span.start <= offset && offset <= o.span.end);
  return here === undefined ? null : { here, all: every.filter((o) => isSame(o, here)) };
};

/** Declaration of a variable, first assignment of a register, block of a thread, posts of an event. */
const definitions = (all: readonly Occurrence[]): Occurrence[] => {
  const made = all.filter((o) => o.role === 'define');
  const first = all.find((o) => o.role === 'write') ?? all[0];
  return made.length > 0 ? made : first === undefined ? [] : [first];
};

const locationsOf = (list: readonly Occurrence[], document: TextDocument): Location[] =>
  list.map((o) => ({ uri: document.uri, range: rangeOf(document, o.span) }));

/** Where the name at `offset` is defined; null: there is no name. */
export const definitionAt = (
  source: Source,
  document: TextDocument,
  offset: number,
): Location[] | null => {
  const found = symbolAt(source, offset);
  return found === null ? null : locationsOf(definitions(found.all), document);
};

export const referencesAt = (
  source: Source,
  document: TextDocument,
  offset: number,
  withDefinition: boolean,
): Location[] | null => {
  const found = symbolAt(source, offset);
  if (found === null) return null;
  const made = withDefinition ? [] : definitions(found.all);
  return locationsOf(
    found.all.filter((o) => !made.includes(o)),
    document,
  );
};

export const highlightsAt = (
  source: Source,
  document: TextDocument,
  offset: number,
): DocumentHighlight[] | null =>
  symbolAt(source, offset)?.all.map((o) => ({
    range: rangeOf(document, o.span),
    kind: o.role === 'read' ? DocumentHighlightKind.Read : DocumentHighlightKind.Write,
  })) ?? null;

/** What a rename would start from: the name's place and the name, or null. */
export const renameRange = (
  source: Source,
  document: TextDocument,
  offset: number,
): { range: Range; placeholder: string } | null => {
  const found = symbolAt(source, offset);
  if (found === null) return null;
  return { range: rangeOf(document, found.here.span), placeholder: found.here.name };
};

/** Why a symbol cannot have that name, or null. */
const refusal = (source: Source, here: Occurrence, name: string): string | null => {
  if (here.kind === 'thread') {
    const mode = here.name.startsWith('K') ? 'K' : 'P';
    if (!new RegExp(`^${mode}(0|[1-9]\\d*)$`).test(name))
      return `a ${mode === 'P' ? 'thread' : 'kernel context'} is called ${mode}0, ${mode}1, ...`;
    const taken = source.test.threads.some((t) => t.name === name);
    return taken ? `there is a ${name} already` : null;
  }
  if (!/^[A-Za-z_]\w*$/.test(name)) return `\`${name}\` is no name`;
  const reserved = reservedAs(name) ?? (isTypeWord(name) ? 'a type' : null);
  if (reserved !== null) return `\`${name}\` is ${reserved}`;
  const clash = occurrences(source).some(
    (o) =>
      o.kind === here.kind &&
      o.name === name &&
      (o.thread === here.thread || o.thread === null || here.thread === null),
  );
  return clash ? `\`${name}\` means something else already` : null;
};

export type Renamed =
  | { readonly ok: true; readonly edits: TextEdit[] }
  | { readonly ok: false; readonly message: string };

/** The edits that give the symbol at an offset another name; `1:` of conditions goes with its thread. */
export const renameAt = (
  source: Source,
  document: TextDocument,
  offset: number,
  name: string,
): Renamed => {
  const found = symbolAt(source, offset);
  if (found === null) return { ok: false, message: 'there is nothing here that has a name' };
  if (found.here.name === name) return { ok: true, edits: [] };
  const message = refusal(source, found.here, name);
  if (message !== null) return { ok: false, message };
  return {
    ok: true,
    edits: found.all.map((o) => {
      const isNumber = /^\d/.test(source.text.slice(o.span.start, o.span.end));
      return { range: rangeOf(document, o.span), newText: isNumber ? name.slice(1) : name };
    }),
  };
};
