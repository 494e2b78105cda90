/** `pinfold errors`: what the messages mean. */
import type { Command } from '@commander-js/extra-typings';
import { ALL_CODES, errorsJson, errorsText, errorText } from '../output/errors.ts';
import { userError } from './errors.ts';
import { print } from './output.ts';

const EXAMPLES = `
Examples:
  pinfold errors           every code that a message can have
  pinfold errors L048      of an error in a litmus file: what it means, what to do, and a test that gets it
  pinfold errors C010      of the command line: the same, with a command that gets it

The same is in docs/errors.md. Exit status: 0 printed; 2 there is no such code.`;

export const addErrors = (program: Command): void => {
  program
    .command('errors')
    .summary('what the messages mean')
    .description(
      'Explains a code such as L048, of an error in a litmus file, or C010, of the command line; without one, lists all.',
    )
    .argument('[CODE]', 'a code')
    .option('--json', 'print one JSON document (schema pinfold.errors/1)')
    .addHelpText('after', EXAMPLES)
    .action((text, options) => {
      const code = ALL_CODES.find((c) => c === text?.toUpperCase());
      if (text !== undefined && code === undefined)
        throw userError('C013', `'${text}' is no code of a message; \`pinfold errors\` lists them`);
      if (options.json === true) {
        print(JSON.stringify(errorsJson(code === undefined ? ALL_CODES : [code]), null, 2));
      } else print(code === undefined ? errorsText() : errorText(code));
    });
};
