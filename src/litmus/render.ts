/** How an error looks: place, code, message; the line itself; a caret underline; what to do. */
import type { Diagnostic } from './errors.ts';

const TAB = '    ';

/**
 * One diagnostic as text without a final newline:
 * `file:line:col: error L042: message`, the source line, carets below, `hint: ...`.
 */
export const renderDiagnostic = (d: Diagnostic, text: string): string => {
  const { line, column, start, end } = d.span;
  const head = `${d.file}:${line}:${column}: ${d.severity} ${d.code}: ${d.message}`;
  const source = (text.split('\n')[line - 1] ?? '').replace(/\r$/, '');
  const before = source.slice(0, column - 1).replaceAll('\t', TAB);
  const marked = source
    .slice(column - 1, column - 1 + Math.max(1, end - start))
    .replaceAll('\t', TAB);
  const gutter = String(line);
  const pad = ' '.repeat(gutter.length);
  return [
    head,
    ` ${gutter} | ${source.replaceAll('\t', TAB)}`,
    ` ${pad} | ${' '.repeat(before.length)}${'^'.repeat(Math.max(1, marked.length))}`,
    ` ${pad} = hint: ${d.hint}`,
  ].join('\n');
};

/** All of them, in the order of the text, with a blank line between. */
export const renderDiagnostics = (diagnostics: readonly Diagnostic[], text: string): string =>
  [...diagnostics]
    .sort((a, b) => a.span.start - b.span.start)
    .map((d) => renderDiagnostic(d, text))
    .join('\n\n');
