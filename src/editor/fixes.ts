/** Quick fixes: the name that was meant, where the message knows it. */
import { type CodeAction, CodeActionKind, type Range } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { diagnosticsOf } from './diagnostics.ts';
import { rangeOf } from './range.ts';
import type { Source } from './source.ts';

const MEANT = /^did you mean `(\w+)`\?$/;

/** One for each message on lines of the range that says `did you mean`. */
export const fixesFor = (source: Source, document: TextDocument, range: Range): CodeAction[] => {
  const shown = diagnosticsOf(source, document);
  return source.diagnostics.flatMap((d, i) => {
    const meant = MEANT.exec(d.hint)?.[1];
    const diagnostic = shown[i];
    if (meant === undefined || diagnostic === undefined) return [];
    const { start, end } = diagnostic.range;
    if (end.line < range.start.line || start.line > range.end.line) return [];
    // The wrong name is the first that the message quotes and the marked text has.
    const wrong = [...d.message.matchAll(/`(\w+)`/g)].map((m) => m[1] ?? '');
    const token = source.tokens.find(
      (t) => t.span.start >= d.span.start && t.span.end <= d.span.end && wrong.includes(t.text),
    );
    if (token === undefined) return [];
    const edit = { range: rangeOf(document, token.span), newText: meant };
    return [
      {
        title: `Replace \`${token.text}\` by \`${meant}\``,
        kind: CodeActionKind.QuickFix,
        diagnostics: [diagnostic],
        isPreferred: true,
        edit: { changes: { [document.uri]: [edit] } },
      },
    ];
  });
};
