/** `pinfold check`: explores each test at each kernel and judges it against its `Result:` lines. */
import type { Command } from '@commander-js/extra-typings';
import type { Verdict } from '../explore/check.ts';
import { notReached } from '../explore/check.ts';
import { testHash } from '../explore/explain/explain.ts';
import { checkAll, defaultJobs, type PoolProgress } from '../explore/pool.ts';
import { DESIGNS, type Design, designNamed } from '../kernels/index.ts';
import { checkJson } from '../output/check-json.ts';
import { compareJson, compareText } from '../output/compare.ts';
import { herdText } from '../output/herd.ts';
import { matrixText } from '../output/matrix.ts';
import { columnsOf, compareDesigns } from './compare-designs.ts';
import { EXIT, userError } from './errors.ts';
import { Journal } from './journal.ts';
import { libraryFolder, litmusFiles, readSources } from './litmus-files.ts';
import { kernelsOf, limitsOf, positive, refuseIdle, stoppable, whole } from './options.ts';
import { colorChoice, print, wantsColor } from './output.ts';
import { Progress, SearchMeter } from './progress.ts';

const EXAMPLES = `
Examples:
  pinfold check                                   the library that ships, at every kernel version
  pinfold check -k 6.12 fork-dio.litmus           one test at one version, as herd7 prints it
  pinfold check -k 5.4,6.1..6.18 tests/           a folder, at some versions, as a matrix
  pinfold check --json -k all t.litmus | jq .summary
  pinfold check --design range-lock,pg-dma-pinned --compare library/writeback

Exit status: 0 all as the tests' Result: lines expect; 1 something differs; 2 bad input or usage; 3 some
exploration could not be finished (a limit was hit, or a call is not modelled yet).`;

export const addCheck = (program: Command): void => {
  program
    .command('check')
    .summary('explore every interleaving of each test at each kernel version')
    .description(
      "Explores every interleaving of each litmus test at each kernel version and compares what was observed with the test's Result: lines. Without a path: the library of tests that ships.",
    )
    .argument('[PATH...]', 'litmus files, or folders that hold some; - is standard input')
    .option(
      '-k, --kernel <versions>',
      'kernels: 5.4,6.1..6.18 or all (default: all; with --design the one that it was made for)',
    )
    .option(
      '--design <name>',
      `a design variant on top of each version (${DESIGNS.map((d) => d.name).join(', ')})`,
    )
    .option('--compare', 'with --design A,B: tests by design, beside mainline')
    .option('--json', 'print one JSON document (schema pinfold.check/1)')
    .option('--max-states <n>', 'stop a search after this many states (default: 4000000)')
    .option('--timeout <seconds>', 'stop a search after this many seconds (default: 120)')
    .option('--memory <MiB>', 'stop a search whose states take more than this (default: 4096)')
    .option(
      '--resume <file>',
      'keep verdicts, and searches under way, in this file and go on from those that it has',
    )
    .option('--checkpoint <seconds>', 'with --resume: how often a search is kept (default: 30)')
    .option('-j, --jobs <n>', 'worker threads (default: one for each core)')
    .option('--random <n>', 'sample n executions instead of exploring all: finds, proves nothing')
    .option(
      '--pct <depth>',
      'with --random: by changing priorities, for bugs that need this many orderings',
    )
    .option('--seed <s>', 'with --random: the seed; the same seed samples the same (default: 1)')
    .option('--unreduced', 'explore without the reduction (slow; for comparison)')
    .option('--color <when>', 'auto, always or never', 'auto')
    .addHelpText('after', EXAMPLES)
    .action(async (paths, options) => {
      const designs = designsOf(options.design, options.compare === true);
      const [chosen = null] = designs;
      const kernels = kernelsOf(options.kernel ?? chosen?.base ?? 'all');
      const color = wantsColor(colorChoice(options.color));
      const limits = limitsOf(options);
      const design = chosen?.name ?? null;
      refuseIdle(
        { '--pct': options.pct, '--seed': options.seed },
        options.random === undefined,
        'every execution is explored, none is sampled; add --random N to sample N of them',
      );
      refuseIdle(
        {
          '--max-states': options.maxStates,
          '--memory': options.memory,
          '--unreduced': options.unreduced,
        },
        options.random !== undefined,
        '--random samples executions and stores no states; leave out one of the two',
      );
      const sample =
        options.random === undefined
          ? undefined
          : {
              executions: whole('--random', options.random, 1),
              seed: whole('--seed', options.seed ?? '1', 0),
              depth: options.pct === undefined ? null : whole('--pct', options.pct, 1),
            };
      const sources = readSources(litmusFiles(paths.length > 0 ? paths : [libraryFolder()]));
      const jobs =
        options.jobs === undefined
          ? defaultJobs(sources.length)
          : Math.floor(positive('--jobs', options.jobs));
      const unreduced = options.unreduced === true;
      if (options.compare === true) {
        refuseIdle(
          { '--resume': options.resume },
          true,
          '--compare keeps no journal; check one design at a time',
        );
        const columns = columnsOf(designs, options.kernel === undefined ? null : kernels);
        const pool = { limits, unreduced, sample };
        const { table, verdicts } = await compareDesigns(
          sources,
          columns,
          pool,
          Math.min(jobs, sources.length),
        );
        print(
          options.json === true ? JSON.stringify(compareJson(table), null, 2) : compareText(table),
        );
        process.exitCode = statusOf(verdicts);
        return;
      }
      const journal =
        options.resume === undefined
          ? null
          : new Journal(options.resume, program.version() ?? '', {
              limits,
              unreduced,
              sample,
              design,
            });
      refuseIdle(
        { '--checkpoint': options.checkpoint },
        journal === null,
        'nothing is kept; add --resume FILE to keep what was found in FILE',
      );
      const keep =
        journal === null
          ? null
          : {
              folder: journal.searches,
              key: JSON.stringify([journal.build, unreduced, design]),
              milliseconds: 1000 * positive('--checkpoint', options.checkpoint ?? '30'),
            };
      const known = sources.map((s) => kernels.map((kernel) => journal?.find(s.text, kernel)));
      const progress = new Progress();
      const meter = new SearchMeter();
      const run = checkAll(
        sources,
        (i) => kernels.filter((_, at) => known[i]?.[at] === undefined),
        { limits, unreduced, sample, keep },
        design,
        Math.min(jobs, sources.length),
        (p) => progress.update(progressText(meter, p, sources.length)),
        (verdict) => {
          meter.finished(verdict.test, verdict.explored.states);
          const source = sources.find((s) => s.checked.test.name === verdict.test);
          if (source !== undefined) journal?.add(source.text, verdict);
        },
      );
      const found = await stoppable(run.verdicts, () => run.stop());
      progress.done();
      journal?.close();
      const results = sources.map((s, i) =>
        kernels.map(
          (kernel, at) =>
            known[i]?.[at] ??
            found[i]?.find((v) => v.kernel === kernel) ??
            notReached(s.checked, kernel),
        ),
      );
      const verdicts = results.flat();
      const [only] = sources;
      const [first] = verdicts;
      if (options.json === true) {
        print(JSON.stringify(checkJson(kernels, verdicts), null, 2));
      } else if (verdicts.length === 1 && only !== undefined && first !== undefined) {
        print(herdText(first, only.checked.test, testHash(only.checked)));
      } else {
        const rows = sources.map((s, i) => ({
          test: s.checked.test.name,
          verdicts: results[i] ?? [],
        }));
        print(matrixText(kernels, rows, { color }));
      }
      process.exitCode = statusOf(verdicts);
    });
};

/** The designs that `--design` names; none without it. Several only to compare. */
const designsOf = (list: string | undefined, compare: boolean): readonly Design[] => {
  const names = list === undefined ? [] : list.split(',').map((name) => name.trim());
  const designs = names.map((name) => {
    const design = designNamed(name);
    if (design !== undefined) return design;
    const known = DESIGNS.map((d) => d.name).join(', ');
    throw userError('C012', `--design ${name}: there is no such design; known: ${known}`);
  });
  if (designs.length > 1 && !compare)
    throw userError('C006', '--design: several designs are only compared; add --compare');
  if (designs.length === 0 && compare)
    throw userError(
      'C006',
      '--compare: name the designs to compare, as in --design range-lock,bias-2019',
    );
  return designs;
};

const progressText = (
  meter: SearchMeter,
  { done, test, kernel, search }: PoolProgress,
  tests: number,
): string =>
  `${done}/${tests}${meter.left(done, tests)} ${test} at ${kernel}${meter.search(test, kernel, search)}`;

/** What could not be finished weighs more than nothing, less than a difference. */
const statusOf = (verdicts: readonly Verdict[]): number => {
  if (verdicts.some((v) => v.agrees === false)) return EXIT.differs;
  if (verdicts.some((v) => v.observation === 'Incomplete')) return EXIT.unfinished;
  return verdicts.some((v) => v.observation === 'Vacuous') ? EXIT.differs : EXIT.ok;
};
