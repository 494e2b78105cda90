/** `pinfold explain`: the shortest witness of a test at a kernel, step by step. */
import type { Command } from '@commander-js/extra-typings';
import type { Explanation } from '../explore/explain/types.ts';
import { explainDot } from '../output/explain-dot.ts';
import { explainItf } from '../output/explain-itf.ts';
import { explainJson } from '../output/explain-json.ts';
import { explainMermaid } from '../output/explain-mermaid.ts';
import { explainPerfetto } from '../output/explain-perfetto.ts';
import { explainText } from '../output/explain-text.ts';
import { EXIT, userError } from './errors.ts';
import { startExplain } from './explain-run.ts';
import { readOne } from './litmus-files.ts';
import { kernelsOf, limitsOf, stoppable } from './options.ts';
import { colorChoice, print, wantsColor } from './output.ts';
import { Progress, SearchMeter } from './progress.ts';

const EXAMPLES = `
Examples:
  pinfold explain vmsplice-child.litmus                    the witness at the newest kernel that has one
  pinfold explain pin-races-fork.litmus -k 5.10            at one kernel
  pinfold explain t.litmus --state '0:r0=2'                how another final state comes about
  pinfold explain t.litmus -k 5.10 --path 0.7/2.4/0.3      the same execution again
  pinfold explain t.litmus -k 5.10 --path full:0/1/0       one that check --random found
  pinfold explain t.litmus --format perfetto > t.json      to open at https://ui.perfetto.dev

In the text: '= page buf: ...' are the page's counts after the statement, '<==' marks where things go wrong.
[A.13.4 S17] are rules of the model ('pinfold kernels' lists what changed when).

An interrupt, or a limit, ends the search, and what was found so far is shown.

Exit status: 0 a witness was printed; 2 bad input or usage, or the path does not fit; 3 the exploration could not be
finished, so that an easier execution may exist, or the kernel does not support what the test uses.`;

const FORMATS = ['text', 'json', 'mermaid', 'dot', 'perfetto', 'itf'] as const;
type Format = (typeof FORMATS)[number];

export const addExplain = (program: Command): void => {
  program
    .command('explain')
    .summary('the shortest witness of a test, step by step')
    .description(
      'Shows one execution of a litmus test, thread by column: what each step changed, the counts of the pages after it,\n' +
        'the function of the kernel that it stands for, and the moment where things go wrong.',
    )
    .argument('<FILE>', 'a litmus file')
    .option(
      '-k, --kernel <version>',
      'the kernel; else the newest at which the test shows what it asks about',
    )
    .option(
      '--state <text>',
      'the end to show: a final state or a problem as check prints it, or a part of one',
    )
    .option(
      '--path <path>',
      'the execution to show, as an earlier explanation or check --random printed it (needs -k)',
    )
    .option('--full', 'every step and every change, with page frames and places in the source')
    .option('--format <format>', `${FORMATS.join(', ')} (default: text)`)
    .option('--max-states <n>', 'stop a search after this many states (default: 4000000)')
    .option('--timeout <seconds>', 'stop a search after this many seconds (default: 120)')
    .option('--memory <MiB>', 'stop a search whose states take more than this (default: 4096)')
    .option('--json', 'the same as --format json (schema pinfold.explain/1)')
    .option('--color <when>', 'auto, always or never', 'auto')
    .addHelpText('after', EXAMPLES)
    .action(async (file, options) => {
      if (options.json === true && options.format !== undefined && options.format !== 'json')
        throw userError('C004', `--json and --format ${options.format}: give one of the two`);
      const format = formatOf(options.json === true ? 'json' : (options.format ?? 'text'));
      const color = wantsColor(colorChoice(options.color));
      const kernel = options.kernel === undefined ? null : oneKernel(options.kernel);
      if (options.path !== undefined && kernel === null)
        throw userError('C006', '--path: a path belongs to one kernel; name it with -k');
      if (options.path !== undefined && options.state !== undefined)
        throw userError('C004', '--path and --state: a path leads to one end; give one of the two');
      const limits = limitsOf(options);
      const { checked, text } = readOne(file);
      const { name } = checked.test;
      const progress = new Progress();
      const meter = new SearchMeter();
      const run = startExplain(
        {
          file: checked.test.file,
          text,
          kernel,
          state: options.state ?? null,
          path: options.path ?? null,
          limits,
        },
        (at, search) => progress.update(`${name} at ${at}${meter.search(name, at, search)}`),
      );
      const found = await stoppable(run.result, () => run.stop()).finally(() => progress.done());
      print(rendered(found.explanation, format, options.full === true, color));
      if (found.cut !== null) process.exitCode = EXIT.unfinished;
    });
};

const oneKernel = (text: string): string => {
  const [kernel, ...more] = kernelsOf(text);
  if (kernel === undefined || more.length > 0)
    throw userError('C011', `-k ${text}: an explanation is about one kernel; name one`);
  return kernel;
};

const formatOf = (text: string): Format => {
  const format = FORMATS.find((f) => f === text);
  if (format === undefined)
    throw userError('C003', `--format ${text}: write one of ${FORMATS.join(', ')}`);
  return format;
};

const rendered = (x: Explanation, format: Format, full: boolean, color: boolean): string => {
  switch (format) {
    case 'text':
      return explainText(x, { color, full });
    case 'json':
      return JSON.stringify(explainJson(x), null, 2);
    case 'mermaid':
      return explainMermaid(x, full);
    case 'dot':
      return explainDot(x, full);
    case 'perfetto':
      return JSON.stringify(explainPerfetto(x));
    case 'itf':
      return JSON.stringify(explainItf(x), null, 2);
  }
};
