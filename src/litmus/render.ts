/** How an error looks: place, code, message; the line itself; a caret underline; what to do. */
import type { Diagnostic } from './errors.ts';

const TAB = '    ';

/** Columns of a source line that are shown. */
const WIDTH = 120;
/** Errors that are shown in full. */
const SHOWN = 50;

/** Nothing that a file holds may move the cursor or change the colours of a terminal. */
const printable = (text: string): string =>
  text.replaceAll('\t', TAB).replace(/\p{Cc}/gu, '\u00b7');

/**
 * One diagnostic as text without a final newline:
 * `file:line:col: error L042: message`, the source line, carets below, `hint: ...`.
 */
export const renderDiagnostic = (d: Diagnostic, text: string): string => {
  const { line, column, start, end } = d.span;
  const head = printable(`${d.file}:${line}:${column}: ${d.severity} ${d.code}: ${d.message}`);
  const whole = (text.split('\n')[line - 1] ?? '').replace(/\r$/, '');
  // Of a long line, the part around the error.
  const from = column > WIDTH ? column - 1 - WIDTH / 2 : 0;
  const source = whole.slice(from, from + WIDTH);
  const at = column - 1 - from;
  const before = printable(source.slice(0, at));
  const marked = printable(source.slice(at, at + Math.max(1, end - start)));
  const gutter = String(line);
  const pad = ' '.repeat(gutter.length);
  return [
    head.length > 4 * WIDTH ? `${head.slice(0, 4 * WIDTH)}...` : head,
    ` ${gutter} | ${printable(source)}`,
    ` ${pad} | ${' '.repeat(before.length)}${'^'.repeat(Math.max(1, marked.length))}`,
    ` ${pad} = hint: ${d.hint}`,
  ].join('\n');
};

/** All of them, in the order of the text, with a blank line between; of very many, the first. */
export const renderDiagnostics = (diagnostics: readonly Diagnostic[], text: string): string => {
  const shown = [...diagnostics]
    .sort((a, b) => a.span.start - b.span.start)
    .slice(0, SHOWN)
    .map((d) => renderDiagnostic(d, text));
  const more = diagnostics.length - shown.length;
  if (more > 0) shown.push(`and ${more} more like these; is this a litmus test, in UTF-8?`);
  return shown.join('\n\n');
};
