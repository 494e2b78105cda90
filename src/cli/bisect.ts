/** `pinfold bisect`: which rule, with commit and release, flips what a test does; and the smallest test that shows it. */
import { writeFileSync } from 'node:fs';
import type { Command } from '@commander-js/extra-typings';
import { type Bisected, startBisect } from '../explore/bisect-run.ts';
import { bisectJson, bisectText, minimisedText } from '../output/bisect.ts';
import { EXIT, reasonOf, userError } from './errors.ts';
import { readOne } from './litmus-files.ts';
import { kernelsOf, limitsOf, refuseIdle, stoppable, whole } from './options.ts';
import { print, write } from './output.ts';
import { Progress, SearchMeter } from './progress.ts';

const EXAMPLES = `
Examples:
  pinfold bisect fork-dio.litmus              every change of the outcome, at all kernels
  pinfold bisect -k 5.8,5.19 t.litmus         between two kernels, as if there were none in between
  pinfold bisect --states t.litmus            changes of the set of final states too
  pinfold bisect --minimise t.litmus          the smallest test with the same changes, by the same rules
  pinfold bisect --minimise -k 6.12 t.litmus -o small.litmus   one with the same verdict at one kernel

With --minimise, standard output is the smaller test and nothing else; with -o FILE, the test goes there. It keeps the verdicts on both
sides of each change that a rule explains (without one, at the first and the last kernel). An interrupt prints the best so far.

Exit status: 0 each change was explained (or there is none); 2 bad input; 3 some change could not be explained, or it was
interrupted or came to a limit.`;

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
    .option('--minimise', 'shrink the test to the smallest that still shows this')
    .option('-o, --output <file>', 'with --minimise: write the smaller test there')
    .option('--max-tries <n>', 'with --minimise: smaller tests to try at most (default: 10000)')
    .option('--max-states <n>', 'stop a search after this many states (default: 4000000)')
    .option('--timeout <seconds>', 'stop a search after this many seconds (default: 120)')
    .option('--memory <MiB>', 'stop a search whose states take more than this (default: 4096)')
    .option('--json', 'print one JSON document (schema pinfold.bisect/1)')
    .addHelpText('after', EXAMPLES)
    .action(async (file, options) => {
      const kernels = kernelsOf(options.kernel);
      const minimise = options.minimise === true;
      if (kernels.length < 2 && !minimise)
        throw userError('C011', '-k: name at least two kernels to bisect between');
      const given = { '-o': options.output, '--max-tries': options.maxTries };
      refuseIdle(given, !minimise, 'it is for --minimise');
      const source = readOne(file);
      const { name } = source.checked.test;
      const progress = new Progress();
      const meter = new SearchMeter();
      const run = startBisect(
        {
          file: source.checked.test.file,
          text: source.text,
          kernels,
          states: options.states === true,
          limits: limitsOf(options),
          tries: minimise ? whole('--max-tries', options.maxTries ?? '10000', 1) : null,
        },
        (at, search) => progress.update(`${name}: ${at}${meter.search(name, at, search)}`),
      );
      const found = await stoppable(run.result, () => run.stop()).catch((error: unknown) => {
        if (error instanceof RangeError) throw userError('C030', error.message, name);
        throw error;
      });
      progress.done();
      const { minimised } = found;
      if (options.output !== undefined && minimised !== null)
        writeTo(options.output, minimised.text);
      const ends = [name, kernels[0] ?? '', kernels.at(-1) ?? ''] as const;
      if (options.json === true) {
        print(JSON.stringify(bisectJson(...ends, found), null, 2));
      } else if (minimised !== null && options.output === undefined) {
        write(minimised.text);
        process.stderr.write(`${minimisedText(name, minimised)}\n`);
      } else {
        print(bisectText(...ends, found));
        if (minimised !== null)
          print(`\n${minimisedText(name, minimised)}, in ${options.output ?? ''}`);
      }
      process.exitCode = statusOf(found);
    });
};

const writeTo = (file: string, text: string): void => {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw userError('C026', `cannot be written (${reasonOf(error)})`, file);
  }
};

const statusOf = ({ flips, unknown, minimised, interrupted }: Bisected): number => {
  const open = flips.some(
    (f) => f.causes.length === 0 && f.before !== 'Unsupported' && f.after !== 'Unsupported',
  );
  const cut = interrupted || unknown.length > 0 || (minimised !== null && minimised.cut !== null);
  return open || cut ? EXIT.unfinished : EXIT.ok;
};
