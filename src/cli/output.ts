/** Standard output as this run has it: whether to colour, and how to write results. */
import { writeSync } from 'node:fs';
import { reasonOf, userError } from './errors.ts';

export type ColorChoice = 'auto' | 'always' | 'never';

/** Reads `--color`. */
export const colorChoice = (text: string): ColorChoice => {
  if (text === 'auto' || text === 'always' || text === 'never') return text;
  throw userError('C003', `--color ${text}: write auto, always or never`);
};

/** Colours on a terminal, unless NO_COLOR says otherwise. */
export const wantsColor = (choice: ColorChoice): boolean => {
  if (choice !== 'auto') return choice === 'always';
  return process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
};

/** Writes results; a reader that has gone away (`| head`) ends the program quietly. */
export const print = (text: string): void => write(`${text}\n`);

/** The same without the end of the line. */
export const write = (text: string): void => {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN') continue;
      if (code === 'EPIPE') process.exit();
      throw userError('C028', `cannot be written (${reasonOf(error)})`, 'standard output');
    }
  }
};
