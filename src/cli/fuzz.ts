/** `pinfold fuzz`: random programs on the kernel of this machine and on the model. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { type FuzzResult, fuzz } from '../host/fuzz/fuzz.ts';
import { Peer } from '../host/fuzz/peer.ts';
import { Store } from '../host/fuzz/store.ts';
import { Host } from '../host/machine.ts';
import { modelledRelease, runningRelease } from '../host/release.ts';
import { EXIT, UserError } from './errors.ts';
import { ModelPool } from './fuzz-pool.ts';
import { print } from './output.ts';
import { Progress } from './progress.ts';

const EXAMPLES = `
Examples:
  pinfold fuzz                                1000 programs of seed 1
  pinfold fuzz --seed 7 -n 100000 --resume    go on where the last run with this seed stopped
  pinfold fuzz --time 600 --out found         ten minutes; what differs goes to the folder found

A program in which both sides differ is made as small as it goes and saved as a .litmus file with both outcomes; the
statistics are in fuzz.sqlite beside it. The same seed gives the same programs everywhere.

Exit status: 0 both sides always agreed; 1 they differed; 2 bad usage; 3 this machine cannot run programs.`;

export const addFuzz = (program: Command): void => {
  program
    .command('fuzz')
    .summary('compare random programs on the kernel of this machine with the model')
    .description(
      'Runs random programs on the kernel of this machine and on the model, and compares registers, memory and pages\n' +
        'at their ends. One thread runs at a time, so that each program has one end.',
    )
    .option('--seed <n>', 'seed of the programs', '1')
    .option('-n <count>', 'programs to run', '1000')
    .option('--time <seconds>', 'stop after this time')
    .option('--out <dir>', 'folder for what is found', 'fuzz-out')
    .option('--resume', 'go on where the last run with this seed and folder stopped')
    .option('--json', 'print one JSON document (schema pinfold.fuzz/1)')
    .addHelpText('after', EXAMPLES)
    .action(async (options) => {
      const seed = whole('--seed', options.seed);
      const count = whole('-n', options.n);
      const time = options.time === undefined ? Infinity : 1000 * whole('--time', options.time);
      await run(seed, count, time, options.out, options.resume === true, options.json === true);
    });
};

const whole = (option: string, text: string): number => {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n <= 0)
    throw new UserError(`${option} ${text}: write a whole number above 0`);
  return n;
};

const run = async (
  seed: number,
  count: number,
  time: number,
  out: string,
  resume: boolean,
  json: boolean,
): Promise<void> => {
  if (process.platform !== 'linux')
    throw new UserError(`this is ${process.platform}, not Linux`, 3);
  if (process.getuid?.() !== 0)
    throw new UserError(
      'only root sees page frames (/proc/PID/pagemap): run pinfold fuzz as root',
      3,
    );
  const release = runningRelease();
  const kernel = modelledRelease(release);
  if (kernel === null)
    throw new UserError(`kernel ${release} is older than all that are modelled`, 3);
  mkdirSync(out, { recursive: true });
  const host = new Host();
  const peer = Peer.start(host);
  if ('reason' in peer) {
    host.close();
    throw new UserError(peer.reason, 3);
  }
  const pool = new ModelPool(kernel);
  const store = new Store(join(out, 'fuzz.sqlite'));
  const progress = new Progress();
  let stop = false;
  const onSignal = (): void => {
    stop = true;
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  try {
    const from = resume ? store.next(seed) : 0;
    const result = await fuzz(
      { kernel: (lines) => peer.run(lines), model: (texts) => pool.run(texts) },
      { seed, from, count, time, out, release, kernel },
      store,
      () => stop,
      (done, found) => progress.update(`${done}/${count} programs, ${found} disagreements`),
    );
    progress.done();
    report(result, store, { seed, from, release, kernel, json });
    process.exitCode = result.files.length > 0 ? EXIT.differs : EXIT.ok;
  } finally {
    progress.done();
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    peer.close();
    await pool.close();
    store.close();
    host.close();
  }
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface Where {
  readonly seed: number;
  readonly from: number;
  readonly release: string;
  readonly kernel: string;
  readonly json: boolean;
}

const report = (result: FuzzResult, store: Store, where: Where): void => {
  const { seed, from, release, kernel } = where;
  const perSecond = Math.round((1000 * result.programs) / Math.max(1, result.milliseconds));
  const calls = store.tally('call');
  const rules = store.tally('rule');
  if (where.json) {
    const { programs, files } = result;
    const tallies = Object.fromEntries(
      ['end', 'memory', 'call', 'rule'].map((k) => [k, Object.fromEntries(store.tally(k))]),
    );
    const document = { schema: 'pinfold.fuzz/1', seed, from, release, kernel, programs, perSecond };
    print(JSON.stringify({ ...document, disagreements: files, tallies }, null, 2));
    return;
  }
  print(
    [
      `Kernel ${release}, model ${kernel}: ${result.programs} programs of seed ${seed} from ${from}, ${perSecond} a second`,
      `In all: ${calls.size} calls, ${rules.size} rules, ${store.disagreements()} disagreements`,
      ...result.files.map((f) => `Differs: ${f}`),
    ].join('\n'),
  );
};
