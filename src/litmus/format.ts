/** A litmus test as `pinfold fmt` writes it. */
import type { Diagnostic } from './errors.ts';
import { parse } from './parse.ts';
import { print } from './printer.ts';

export type Formatted =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** The text in canonical form, comments kept, lines ended by LF; or the errors of a text that has some. */
export const format = (text: string, file: string): Formatted => {
  const { test, diagnostics } = parse(text.replaceAll('\r\n', '\n'), file);
  return test === undefined ? { ok: false, diagnostics } : { ok: true, text: print(test) };
};
