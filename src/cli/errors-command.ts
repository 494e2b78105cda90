/** `pinfold errors`: what the messages of the language mean. */
import type { Command } from '@commander-js/extra-typings';
import {
  ERROR_CODES,
  errorsJson,
  errorsText,
  errorText,
  explainedError,
} from '../output/errors.ts';
import { UserError } from './errors.ts';
import { print } from './output.ts';

const EXAMPLES = `
Examples:
  pinfold errors           every code that an error in a litmus file can have
  pinfold errors L048      what it means, what to do, and a test that gets it

The same is in docs/errors.md. Exit status: 0 printed; 2 there is no such code.`;

export const addErrors = (program: Command): void => {
  program
    .command('errors')
    .summary('what the messages about a litmus file mean')
    .description(
      'Explains a code such as L048 that an error in a litmus file has; without one, lists all.',
    )
    .argument('[CODE]', 'a code')
    .option('--json', 'print one JSON document (schema pinfold.errors/1)')
    .addHelpText('after', EXAMPLES)
    .action((text, options) => {
      const code = ERROR_CODES.find((c) => c === text?.toUpperCase());
      if (text !== undefined && code === undefined)
        throw new UserError(`'${text}' is no code of an error; \`pinfold errors\` lists them`);
      if (options.json === true) {
        print(JSON.stringify(errorsJson(code === undefined ? ERROR_CODES : [code]), null, 2));
      } else print(code === undefined ? errorsText() : errorText(explainedError(code)));
    });
};
