/** What is known of a message of the language: for `pinfold errors` and docs/errors.md. */
import { ERROR_EXAMPLES } from '../litmus/error-examples.ts';
import { ERRORS, type ErrorCode } from '../litmus/errors.ts';
import { parse } from '../litmus/parse.ts';
import { renderDiagnostics } from '../litmus/render.ts';

export interface ExplainedError {
  readonly code: ErrorCode;
  readonly severity: 'error' | 'warning';
  readonly title: string;
  readonly advice: string;
  /** A test that gets this message and no other, and how the message looks. */
  readonly example: string;
  readonly output: string;
}

/** Every code, in order. */
export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

/** All that is known of a code. */
export const explainedError = (code: ErrorCode): ExplainedError => {
  const example = ERROR_EXAMPLES[code];
  const { diagnostics } = parse(example, 'example.litmus');
  return { code, ...ERRORS[code], example, output: renderDiagnostics(diagnostics, example) };
};

/** A line a code, for reading. */
export const errorsText = (): string =>
  ERROR_CODES.map((code) => {
    const { title, severity } = ERRORS[code];
    return `${code}  ${title}${severity === 'warning' ? ' (warning)' : ''}`;
  }).join('\n');

const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');

/** One code, for reading. */
export const errorText = (e: ExplainedError): string =>
  [
    `${e.code} (${e.severity}): ${e.title}`,
    `What to do: ${e.advice}.`,
    '',
    'A test that gets it:',
    '',
    indented(e.example),
    '',
    'says:',
    '',
    indented(e.output),
  ].join('\n');

/** `--json`: schema pinfold.errors/1. */
export const errorsJson = (codes: readonly ErrorCode[]): object => ({
  schema: 'pinfold.errors/1',
  errors: codes.map(explainedError),
});
