/** `pinfold explain`: the shortest witness of a test at a kernel, step by step. */
import type { Command } from '@commander-js/extra-typings';
import { Checker } from '../explore/check.ts';
import { chooseEnd, findEnd, interestingKernel, wantedOf } from '../explore/explain/ends.ts';
import { endOfPath, explain } from '../explore/explain/explain.ts';
import type { Witness } from '../explore/explain/recorder.ts';
import type { ExplainedEnd, Explanation } from '../explore/explain/types.ts';
import type { Explored } from '../explore/explore.ts';
import { FULL, parsePath } from '../explore/replay.ts';
import { allKernels, parseKernelList, rulesFor } from '../kernels/index.ts';
import { explainDot } from '../output/explain-dot.ts';
import { explainItf } from '../output/explain-itf.ts';
import { explainJson } from '../output/explain-json.ts';
import { explainMermaid } from '../output/explain-mermaid.ts';
import { explainPerfetto } from '../output/explain-perfetto.ts';
import { explainText } from '../output/explain-text.ts';
import { UserError } from './errors.ts';
import { litmusFiles, readSources } from './litmus-files.ts';
import { colorChoice, print, wantsColor } from './output.ts';
import { Progress } from './progress.ts';

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

Exit status: 0 a witness was printed; 2 bad input or usage, or the path does not fit; 3 the exploration could not be
finished, or the kernel does not support what the test uses.`;

const FORMATS = ['text', 'json', 'mermaid', 'dot', 'perfetto', 'itf'] as const;
type Format = (typeof FORMATS)[number];

interface Options {
  readonly kernel?: string | undefined;
  readonly state?: string | undefined;
  readonly path?: string | undefined;
}

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
    .option('--json', 'the same as --format json (schema pinfold.explain/1)')
    .option('--color <when>', 'auto, always or never', 'auto')
    .addHelpText('after', EXAMPLES)
    .action((file, options) => {
      if (options.json === true && options.format !== undefined && options.format !== 'json')
        throw new UserError(`--json and --format ${options.format}: give one of the two`);
      const format = formatOf(options.json === true ? 'json' : (options.format ?? 'text'));
      const color = wantsColor(colorChoice(options.color));
      const explanation = explanationOf(file, options);
      print(rendered(explanation, format, options.full === true, color));
    });
};

const formatOf = (text: string): Format => {
  const format = FORMATS.find((f) => f === text);
  if (format === undefined)
    throw new UserError(`--format ${text}: write one of ${FORMATS.join(', ')}`);
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

const NO_SAMPLE = { executions: 0, seed: 0, depth: null };

const explanationOf = (file: string, options: Options): Explanation => {
  const files = litmusFiles([file]);
  const [only, ...more] = files;
  if (only === undefined || more.length > 0)
    throw new UserError(`${file}: this folder holds ${files.length} tests; name one file`);
  const [read] = readSources([only]);
  if (read === undefined) throw new UserError(`${file}: no test in it`);
  const { checked } = read;
  if (options.path !== undefined && options.kernel === undefined)
    throw new UserError('--path: a path belongs to one kernel; name it with -k');
  if (options.path !== undefined && options.state !== undefined)
    throw new UserError('--path and --state: a path leads to one end; give one of the two');

  const checker = new Checker(checked);
  const { condition } = checker;
  const newest = [...allKernels].reverse();
  const progress = new Progress();
  progress.update(`exploring ${checked.test.name}`);
  const found =
    options.kernel ??
    (options.state === undefined ? interestingKernel(checker, newest, rulesFor) : null);
  const kernel =
    options.kernel !== undefined
      ? oneKernel(options.kernel)
      : (found ?? supported(checker, newest));
  // A path of single steps needs no search.
  const sample = options.path?.startsWith(FULL) === true ? NO_SAMPLE : undefined;
  const explored = checker.exploreForReplay(rulesFor(kernel), { sample });
  progress.done();
  const { exploration, machine, sharing } = explored;
  const unknown = sample === undefined && exploration.observation === 'Incomplete';
  if (machine === null || condition === null || unknown)
    throw new UserError(
      `${checked.test.name} at ${kernel}: ${exploration.observation}: ${exploration.reason ?? ''}`,
      3,
    );

  const base = { checked, condition, machine, sharing, kernel, source: read.text };
  if (options.path !== undefined) return byPath(base, options.path);
  const at = `${exploration.observation} at ${kernel}`;
  const wanted = wantedOf(checked.test.condition.quantifier);
  const asked = wanted ? 'the condition holds' : 'the condition does not hold';
  if (options.state !== undefined) {
    const end = findEnd(exploration, options.state);
    if (!('text' in end))
      throw new UserError(
        `--state ${options.state}: name one of these ends at ${kernel}:\n${end.map((t) => `  ${t}`).join('\n')}`,
      );
    return explain(
      { ...base, path: pathTo(explored, end) },
      end,
      `${at}; asked for by --state`,
      end.holds !== !wanted,
    );
  }
  const choice = chooseEnd(checked, exploration);
  if (choice === null)
    throw new UserError(
      `${checked.test.name} at ${kernel}: Vacuous: no execution comes to a state that the filter lets through`,
      3,
    );
  const { end, interesting } = choice;
  const where =
    options.kernel === undefined
      ? interesting
        ? ', the newest kernel with such an end'
        : ' and at every other kernel'
      : '';
  const reason = interesting
    ? `${at}${where}: ${end.kind === 'problem' ? 'an execution that ends badly' : `an execution after which ${asked}`}`
    : `${at}${where}: there is no execution after which ${asked}; here is one of the executions`;
  return explain({ ...base, path: pathTo(explored, end) }, end, reason, interesting);
};

const pathTo = ({ graph }: Explored, end: ExplainedEnd): Witness['path'] => {
  const path = graph?.easiestPath(end.text) ?? null;
  if (path === null) throw new Error(`no path leads to '${end.text}'`);
  return path;
};

const byPath = (base: Omit<Witness, 'path'>, text: string): Explanation => {
  const path = parsePath(text.startsWith(FULL) ? text.slice(FULL.length) : text);
  if (path === null)
    throw new UserError(
      `--path ${text}: write threads and how many decisions each takes, as in 0.7/2.4/1c1/0.3`,
    );
  const witness = { ...base, path };
  let end: ExplainedEnd;
  try {
    end = endOfPath(witness);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(
      `--path ${text}: ${error.message}; the path must come from this test, this kernel (${base.kernel}) and this version of pinfold`,
    );
  }
  const wanted = wantedOf(base.checked.test.condition.quantifier);
  return explain(witness, end, 'the execution that --path names', end.holds !== !wanted);
};

const oneKernel = (text: string): string => {
  const parsed = parseKernelList(text);
  if (!parsed.ok) throw new UserError(`-k: ${parsed.message}`);
  const [kernel, ...more] = parsed.kernels;
  if (kernel === undefined || more.length > 0)
    throw new UserError(`-k ${text}: an explanation is about one kernel; name one`);
  return kernel;
};

/** The newest kernel that has what the test uses. */
const supported = (checker: Checker, kernels: readonly string[]): string =>
  kernels.find((kernel) => checker.explore(rulesFor(kernel)).observation !== 'Unsupported') ??
  kernels[0] ??
  '';
