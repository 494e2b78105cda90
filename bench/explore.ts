/**
 * `explore`: how fast the search goes. Races of the library, and a lock algorithm, explored whole at one kernel, each
 * time by a checker that knows nothing yet, with and without the reduction; beside it Spin on the same races written by
 * hand in Promela (bench/promela), complete and stored exactly, without and with its partial order reduction.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checker } from '../src/explore/check.ts';
import { parse, renderDiagnostics } from '../src/litmus/index.ts';
import { median, printTable, shown } from './measure.ts';
import { runSpin, spinMissing } from './spin.ts';

const LIMITS = { states: 40_000_000, time: 900_000 };

/** One race: our test at a kernel, and the model for Spin with its definitions. */
interface Race {
  readonly name: string;
  readonly test: string;
  readonly kernel: string;
  readonly spin?: {
    readonly model: string;
    readonly define: readonly string[];
    readonly slots: number;
  };
  readonly rounds: number;
}

const RACES: readonly Race[] = [
  {
    name: 'fork, no sequence count',
    test: 'bench/litmus/fork',
    kernel: '5.10',
    spin: { model: 'fork', define: [], slots: 16 },
    rounds: 5,
  },
  {
    name: 'fork, sequence count',
    test: 'bench/litmus/fork',
    kernel: '5.11',
    spin: { model: 'fork', define: ['SEQ'], slots: 16 },
    rounds: 5,
  },
  {
    name: 'two pinners, one munmap',
    test: 'bench/litmus/unmap',
    kernel: '5.10',
    spin: { model: 'unmap', define: [], slots: 16 },
    rounds: 5,
  },
  {
    name: 'lock of four threads',
    test: 'bench/litmus/lock',
    kernel: '6.18',
    spin: { model: 'lock', define: ['TWICE=3'], slots: 23 },
    rounds: 1,
  },
  {
    name: 'THP split, fast get',
    test: 'library/thp/split-races-fast-get',
    kernel: '6.18',
    rounds: 5,
  },
];

/** States and steps are of the last search; the time is of the whole check, from the parsed test on, with set-up and the searches before it. */
interface Run {
  readonly who: string;
  readonly verdict: string;
  readonly states: number;
  readonly steps: number;
  /** Of the processor: other programs on the machine lengthen it less than the time on the clock. */
  readonly seconds: number;
  /** Spin: of the processor, to make its search out of the model. */
  readonly making: number;
}

/** Runs each race in every way, ours and Spin's in turns, and prints a table a race. */
export async function explore(): Promise<void> {
  const missing = spinMissing();
  if (missing !== null) console.log(`explore: Spin is skipped: ${missing}`);
  for (const race of RACES) {
    console.log(
      `explore: ${race.name}: ${race.test}.litmus at ${race.kernel}; CPU seconds, median of ${race.rounds}`,
    );
    const turns = Array.from({ length: race.rounds }, () => [
      ...[false, true].map((unreduced) => ours(race, unreduced)),
      ...(missing === null && race.spin !== undefined ? theirs(race.spin) : []),
    ]);
    const runs = (turns[0] ?? []).map((run, i) => ({
      ...run,
      seconds: median(turns.map((turn) => turn[i]?.seconds ?? Number.NaN)),
      first: run.seconds,
      making: median(turns.map((turn) => turn[i]?.making ?? Number.NaN)),
    }));
    const rows = runs.map(({ who, verdict, states, steps, seconds, first, making }) => {
      // Spin's times come in hundredths.
      const rate = [states, steps].map((n) => String(Math.round(n / Math.max(seconds, 0.01))));
      const made = making === 0 ? '-' : shown(making);
      return [
        who,
        verdict,
        String(states),
        String(steps),
        shown(seconds),
        shown(first),
        ...rate,
        made,
      ];
    });
    const head = [
      '',
      'verdict',
      'states',
      'steps',
      's',
      'first',
      'states/s',
      'steps/s',
      'spin+gcc',
    ];
    printTable(head, rows);
    const [reduced, unreduced, spinUnreduced, spinReduced] = runs;
    if (!reduced || !unreduced || !spinUnreduced || !spinReduced) continue;
    const ratio = reduced.seconds / Math.max(spinReduced.seconds, 0.01);
    const fromText = reduced.first / (spinReduced.making + spinReduced.first);
    const rate = unreduced.states / unreduced.seconds;
    const spinRate = spinUnreduced.states / Math.max(spinUnreduced.seconds, 0.01);
    console.log(
      `  time to the verdict, both reduced: ${shown(ratio)} of pan's; the first one, from the test's text: ${shown(fromText)} of spin's, gcc's and pan's; states a second, both unreduced: ${shown(rate / spinRate)} of Spin's`,
    );
  }
}

function ours(race: Race, unreduced: boolean): Run {
  const path = join(import.meta.dirname, '..', `${race.test}.litmus`);
  const text = readFileSync(path, 'utf8');
  const { checked, diagnostics } = parse(text, path);
  if (checked === undefined) throw new Error(renderDiagnostics(diagnostics, text));
  const before = process.cpuUsage();
  const verdict = new Checker(checked).check(race.kernel, { limits: LIMITS, unreduced });
  const { user, system } = process.cpuUsage(before);
  const { states, steps, searches } = verdict.explored;
  return {
    who: unreduced ? 'Pinfold, unreduced' : `Pinfold, reduced (${searches} searches)`,
    verdict: verdict.reason ?? verdict.observation,
    states,
    steps,
    seconds: (user + system) / 1e6,
    making: 0,
  };
}

const theirs = ({ model, define, slots }: NonNullable<Race['spin']>): Run[] =>
  [false, true].map((reduced) => {
    const { errors, ...run } = runSpin(model, define, slots, reduced);
    const verdict = errors === 0 ? 'Never' : `${errors} errors`;
    return { who: reduced ? 'Spin, reduced' : 'Spin, unreduced', verdict, ...run };
  });
