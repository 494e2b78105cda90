/** From a text to a checked test, or to everything that is wrong with it. */
import type { LitmusTest, Span } from './ast.ts';
import { check } from './check.ts';
import type { CheckedTest } from './checked.ts';
import { type Diagnostic, type ErrorCode, type Report, reporter } from './errors.ts';
import { parseFile } from './parse-file.ts';

export interface ParseResult {
  /** The tree and what is known about it; only when there is no error. */
  readonly test?: LitmusTest;
  readonly checked?: CheckedTest;
  /** Errors and warnings in the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What can be said about a text with errors too: for editors. */
export interface Analysis {
  /** What was found of the test; statements that did not parse are missing. */
  readonly test: LitmusTest;
  readonly checked: CheckedTest;
  readonly diagnostics: readonly Diagnostic[];
}

/** Findings that may only be due to a statement that was lost to a syntax error: if they concern a lost name. */
const CONSEQUENCES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'L040',
  'L044',
  'L060',
  'L065',
  'L066',
  'L067',
  'L068',
  'L069',
  'L070',
  'L071',
]);

/**
 * Parses and checks a text as far as it goes. Never throws, whatever the text; several errors are
 * reported at once, names and types too when some statement did not parse.
 * @param file how messages name it
 */
export const analyse = (text: string, file: string): Analysis => {
  const { diagnostics, report } = reporter(file);
  const lost = new Set<string>();
  const { test, complete } = parseFile(text, file, report, lost);
  const isLost = (code: ErrorCode, span: Span): boolean =>
    code === 'L070' ||
    (text.slice(span.start, span.end).match(/\w+/g) ?? []).some((w) => lost.has(w));
  const careful: Report = (code, span, ...rest) => {
    if (!complete) return;
    if (lost.size === 0 || !CONSEQUENCES.has(code) || !isLost(code, span))
      report(code, span, ...rest);
  };
  const checked = check(test, careful);
  diagnostics.sort((a, b) => a.span.start - b.span.start);
  return { test, checked, diagnostics };
};

/** Parses and checks a litmus test; `file` is how messages name it. Never throws, whatever the text. */
export const parse = (text: string, file: string): ParseResult => {
  const { test, checked, diagnostics } = analyse(text, file);
  return diagnostics.some((d) => d.severity === 'error')
    ? { diagnostics }
    : { test, checked, diagnostics };
};
