/** What is known of a message, about a litmus file or of the command line: for `pinfold errors` and docs/errors.md. */
import { ERROR_EXAMPLES } from '../litmus/error-examples.ts';
import { ERRORS, type ErrorCode } from '../litmus/errors.ts';
import { parse } from '../litmus/parse.ts';
import { renderDiagnostics } from '../litmus/render.ts';
import { MESSAGES, type MessageCode } from './messages.ts';

interface Explained {
  readonly title: string;
  readonly advice: string;
  /** What gets this message and no other, and how the message looks. */
  readonly example: string;
  readonly output: string;
}

/** A message about what is in a litmus file; its example is a test. */
export interface ExplainedError extends Explained {
  readonly code: ErrorCode;
  readonly severity: 'error' | 'warning';
}

/** A message of the command line; its example is a command. */
export interface ExplainedMessage extends Explained {
  readonly code: MessageCode;
  readonly severity: 'error';
  /** Exit status of the command that says it. */
  readonly status: 2 | 3;
}

/** Every code of the language, in order. */
export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];
/** Every code of the command line, in order. */
export const MESSAGE_CODES = Object.keys(MESSAGES) as readonly MessageCode[];
/** Both. */
export const ALL_CODES: readonly (ErrorCode | MessageCode)[] = [...ERROR_CODES, ...MESSAGE_CODES];

/** All that is known of a code of the language. */
export const explainedError = (code: ErrorCode): ExplainedError => {
  const example = ERROR_EXAMPLES[code];
  const { diagnostics } = parse(example, 'example.litmus');
  return { code, ...ERRORS[code], example, output: renderDiagnostics(diagnostics, example) };
};

/** All that is known of a code of the command line. */
export const explainedMessage = (code: MessageCode): ExplainedMessage => ({
  code,
  severity: 'error',
  ...MESSAGES[code],
  example: `pinfold ${MESSAGES[code].example}`,
});

const isMessage = (code: ErrorCode | MessageCode): code is MessageCode => code in MESSAGES;

const explained = (code: ErrorCode | MessageCode): ExplainedError | ExplainedMessage =>
  isMessage(code) ? explainedMessage(code) : explainedError(code);

/** A line a code, for reading. */
export const errorsText = (): string =>
  ALL_CODES.map((code) => {
    const { title } = isMessage(code) ? MESSAGES[code] : ERRORS[code];
    const warning = !isMessage(code) && ERRORS[code].severity === 'warning' ? ' (warning)' : '';
    return `${code}  ${title}${warning}`;
  }).join('\n');

const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');

/** One code, for reading. */
export const errorText = (code: ErrorCode | MessageCode): string => {
  const e = explained(code);
  const status = 'status' in e ? `, exit status ${e.status}` : '';
  return [
    `${e.code} (${e.severity}${status}): ${e.title}`,
    `What to do: ${e.advice}.`,
    '',
    'status' in e ? 'A command that gets it:' : 'A test that gets it:',
    '',
    indented(e.example),
    '',
    'says:',
    '',
    indented(e.output),
  ].join('\n');
};

/** `--json`: schema pinfold.errors/1. */
export const errorsJson = (codes: readonly (ErrorCode | MessageCode)[]): object => ({
  schema: 'pinfold.errors/1',
  errors: codes.map(explained),
});
