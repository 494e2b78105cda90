/** `pinfold fuzz`: random programs on the kernel of this machine and on the model. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { type FuzzResult, fuzz } from '../host/fuzz/fuzz.ts';
import type { FuzzOutcome } from '../host/fuzz/outcome.ts';
import { Peer } from '../host/fuzz/peer.ts';
import { MIXES, type Mix } from '../host/fuzz/program.ts';
import { Store } from '../host/fuzz/store.ts';
import { NR_HUGEPAGES } from '../host/journal.ts';
import { Host } from '../host/machine.ts';
import { modelledRelease, runningRelease } from '../host/release.ts';
import { EXIT, userError } from './errors.ts';
import { ModelPool } from './fuzz-pool.ts';
import { whole } from './options.ts';
import { print } from './output.ts';
import { Progress } from './progress.ts';

const EXAMPLES = `
Examples:
  pinfold fuzz                                1000 programs of seed 1
  pinfold fuzz --seed 7 -n 100000 --resume    go on where the last run with this seed stopped
  pinfold fuzz --time 600 --out found         ten minutes; what differs goes to the folder found
  pinfold fuzz --seed 7 --program 118         program 118 of seed 7 again
  pinfold fuzz --mix swap,direct --allow-system   with pages that go to swap and direct I/O in flight

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
    .option('--program <n>', 'only program n of the seed, as found files name it')
    .option('--time <seconds>', 'stop after this time')
    .option(
      '--mix <names>',
      'programs with more: hugetlb, swap, direct (I/O on ext4), counters (of pins); --allow-system alone means hugetlb',
    )
    .option(
      '--allow-system',
      'may give the machine a pool of huge pages or swap (zram) while programs need it',
    )
    .option('--out <dir>', 'folder for what is found', 'fuzz-out')
    .option('--resume', 'go on where the last run with this seed and folder stopped')
    .option('--json', 'print one JSON document (schema pinfold.fuzz/1)')
    .addHelpText('after', EXAMPLES)
    .action(async (options) => {
      const seed = whole('--seed', options.seed, 1);
      const count = whole('-n', options.n, 1);
      const time = options.time === undefined ? Infinity : 1000 * whole('--time', options.time, 1);
      const only = options.program === undefined ? null : whole('--program', options.program, 0);
      if (only !== null && options.resume === true)
        throw userError(
          'C004',
          '--program says which program to run, --resume goes on: take one of them',
        );
      const { out, resume, json } = options;
      const mix = mixOf(options.mix, options.allowSystem === true);
      await run({
        seed,
        count,
        time,
        only,
        out,
        mix,
        resume: resume === true,
        json: json === true,
      });
    });
};

/** Names after --mix; those that change the machine need --allow-system. */
const mixOf = (names: string | undefined, allowed: boolean): ReadonlySet<Mix> => {
  if (names === undefined) return new Set(allowed ? ['hugetlb'] : []);
  const mix = names.split(',').map((name) => {
    const known = MIXES.find((m) => m === name);
    if (known === undefined)
      throw userError(
        'C003',
        `--mix ${names}: write one or more of ${MIXES.join(', ')}, with commas`,
      );
    return known;
  });
  const changes = mix.find((m) => m === 'hugetlb' || m === 'swap');
  if (changes !== undefined && !allowed)
    throw userError(
      'C006',
      `--mix ${names}: ${changes} changes the machine while programs run: add --allow-system`,
    );
  return new Set(mix);
};

interface Asked {
  readonly seed: number;
  readonly count: number;
  /** Milliseconds. */
  readonly time: number;
  /** The only program to run; null: all. */
  readonly only: number | null;
  readonly out: string;
  readonly mix: ReadonlySet<Mix>;
  readonly resume: boolean;
  readonly json: boolean;
}

const run = async ({ seed, count, time, only, out, mix, resume, json }: Asked): Promise<void> => {
  if (process.platform !== 'linux')
    throw userError('C040', `this is ${process.platform}, not Linux`);
  if (process.getuid?.() !== 0)
    throw userError(
      'C040',
      'only root sees page frames (/proc/PID/pagemap): run pinfold fuzz as root',
    );
  const release = runningRelease();
  const kernel = modelledRelease(release);
  if (kernel === null)
    throw userError('C040', `kernel ${release} is older than all that are modelled`);
  mkdirSync(out, { recursive: true });
  const host = new Host();
  const peer = Peer.start(host, mix);
  if ('reason' in peer) {
    host.close();
    throw userError('C040', peer.reason);
  }
  const pool = new ModelPool(kernel, mix.has('swap'));
  const store = new Store(join(out, 'fuzz.sqlite'));
  const progress = new Progress();
  let stop = false;
  const onSignal = (): void => {
    stop = true;
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  try {
    const from = only ?? (resume ? store.next(seed) : 0);
    const programs = only === null ? count : 1;
    const result = await fuzz(
      {
        kernel: (lines) => {
          const ask = (): Promise<FuzzOutcome[]> => peer.run(lines);
          if (mix.has('hugetlb') || mix.has('swap')) return withMachine(host, mix, ask);
          return undisturbed(false, ask);
        },
        model: (texts) => pool.run(texts),
      },
      { seed, from, count: programs, time, mix, out, release, kernel },
      store,
      () => stop,
      (done, found) => progress.update(`${done}/${programs} programs, ${found} disagreements`),
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

/** Makes the pool of huge pages and swap the programs' own while they run; nobody else's tests need them meanwhile. */
const withMachine = async <A>(
  host: Host,
  mix: ReadonlySet<Mix>,
  ask: () => Promise<A>,
): Promise<A> => {
  if (!(await host.lock())) throw userError('C040', 'another run keeps the huge pages or swap');
  const swap = mix.has('swap');
  try {
    const why =
      (mix.has('hugetlb') ? host.takeHugePages() : null) ?? (swap ? host.takeSwap(true) : null);
    if (why !== null) throw userError('C040', why);
    return await undisturbed(swap, ask);
  } finally {
    if (mix.has('hugetlb')) writeFileSync(NR_HUGEPAGES, '0');
    host.dropSwap();
    host.unlock();
  }
};

/**
 * Somebody may give the machine swap for a while, or set transparent huge pages to other than madvise: asks again when
 * the machine is as the model has it.
 */
const undisturbed = async <A>(swap: boolean, ask: () => Promise<A>): Promise<A> => {
  for (;;) {
    for (let waited = 0; !asModelled(swap); waited += 200) {
      if (waited > DISTURBED) throw userError('C040', OTHERWISE);
      await new Promise((done) => setTimeout(done, 200));
    }
    const answer = await ask();
    if (asModelled(swap)) return answer;
  }
};

/** Milliseconds to wait for others. */
const DISTURBED = 120_000;
const OTHERWISE =
  'random programs need a machine without swap (but --mix swap) and with /sys/kernel/mm/transparent_hugepage/enabled at madvise';

const asModelled = (swap: boolean): boolean =>
  readFileSync('/proc/swaps', 'utf8').trim().includes('\n') === swap &&
  readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8').includes('[madvise]');

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
