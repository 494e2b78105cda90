/** `pinfold bisect`: which rule, with commit and release, flips what a test does. */
import type { Command } from '@commander-js/extra-typings';
import { bisect } from '../explore/bisect.ts';
import { Checker } from '../explore/check.ts';
import { parseKernelList } from '../kernels/index.ts';
import { bisectJson, bisectText } from '../output/bisect.ts';
import { EXIT, UserError } from './errors.ts';
import { readTests } from './litmus-files.ts';
import { print } from './output.ts';

const EXAMPLES = `
Examples:
  pinfold bisect fork-dio.litmus              every change of the outcome, at all kernels
  pinfold bisect -k 5.8,5.19 t.litmus         between two kernels, as if there were none in between
  pinfold bisect --states t.litmus            changes of the set of final states too

Exit status: 0 each change was explained (or there is none); 2 bad input; 3 some change could not be explained.`;

export const addBisect = (program: Command): void => {
  program
    .command('bisect')
    .summary('the rules, with kernel commit and release, whose change flips a verdict')
    .description(
      'Finds where along the kernels the outcome of a test changes, and for each change the smallest set of rules whose new values alone bring the new outcome.',
    )
    .argument('<FILE>', 'a litmus test')
    .option(
      '-k, --kernel <versions>',
      'kernels to look at, in order: 5.4..6.18 or 5.8,5.19 or all',
      'all',
    )
    .option(
      '--states',
      'a change of the set of final states counts too, not only one of the observation',
    )
    .option('--json', 'print one JSON document (schema pinfold.bisect/1)')
    .addHelpText('after', EXAMPLES)
    .action((file, options) => {
      const parsed = parseKernelList(options.kernel);
      if (!parsed.ok) throw new UserError(`-k: ${parsed.message}`);
      if (parsed.kernels.length < 2)
        throw new UserError('-k: name at least two kernels to bisect between');
      const [checked] = readTests([file]);
      if (checked === undefined) throw new UserError(`${file}: no test in it`);
      const flips = bisect(new Checker(checked), parsed.kernels, {
        states: options.states === true,
      });
      const first = parsed.kernels[0] ?? '';
      const last = parsed.kernels.at(-1) ?? '';
      const { name } = checked.test;
      print(
        options.json === true
          ? JSON.stringify(bisectJson(name, first, last, flips), null, 2)
          : bisectText(name, first, last, flips),
      );
      const open = flips.some(
        (f) => f.causes.length === 0 && f.before !== 'Unsupported' && f.after !== 'Unsupported',
      );
      process.exitCode = open ? EXIT.unfinished : EXIT.ok;
    });
};
