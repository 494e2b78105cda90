/** What `pinfold gup-test` does with its options: a plan, the run, and the output of gup_test. */
import { Worker } from 'node:worker_threads';
import { GUP_TEST } from '../drivers/gup-test.ts';
import { moduleBeside } from '../explore/module-beside.ts';
import { parseKernelList, RELEASES, rulesFor } from '../kernels/index.ts';
import { FOLL, follFromRaw } from '../mm/foll.ts';
import { userError } from './errors.ts';
import type { LastWritten } from './gup-test.ts';
import {
  type Backing,
  type Measured,
  type Plan,
  prepareThreads,
  runAlone,
  type ThreadJob,
} from './gup-test-machine.ts';
import { whole } from './options.ts';
import { print, write } from './output.ts';
import { Progress } from './progress.ts';

/** What the letters of the options choose. */
const COMMANDS = {
  u: GUP_TEST.gupFast,
  a: GUP_TEST.pinFast,
  L: GUP_TEST.pinLongterm,
  U: GUP_TEST.gupBasic,
  b: GUP_TEST.pinBasic,
  c: GUP_TEST.dump,
} as const;

const NAMES: readonly string[] = [
  '',
  'GUP_FAST_BENCHMARK',
  'PIN_FAST_BENCHMARK',
  'PIN_LONGTERM_BENCHMARK',
  'GUP_BASIC_TEST',
  'PIN_BASIC_TEST',
  'DUMP_USER_PAGES_TEST',
  'DUMP_USER_PAGES_TEST',
];

/** Pages whose structure is shown at most (GUP_TEST_MAX_PAGES_TO_DUMP). */
const MOST_DUMPED = 8;
const MIB_PAGES = 256;
/** 1 TiB. */
const MOST_MIB = 1 << 20;
const MOST_THREADS = 30;

/** Options with a value, as written; switches. */
interface Options {
  readonly F?: string | undefined;
  readonly m?: string | undefined;
  readonly r?: string | undefined;
  readonly n?: string | undefined;
  readonly j?: string | undefined;
  readonly f?: string | undefined;
  readonly kernel?: string | undefined;
  readonly p?: true | undefined;
  readonly S?: true | undefined;
  readonly H?: true | undefined;
}

/** Runs and prints what the options ask for. */
export const gupTest = async (
  pages: readonly string[],
  options: Options,
  last: LastWritten,
): Promise<void> => {
  const kernel = kernelOf(options.kernel);
  const dumps = COMMANDS[last.command] === GUP_TEST.dump;
  const size = whole('-m', options.m ?? '128', 1) * MIB_PAGES;
  if (size > MOST_MIB * MIB_PAGES) throw userError('C002', `-m ${options.m}: at most ${MOST_MIB}`);
  const perCall = Number(options.n ?? '1');
  if (!Number.isInteger(perCall) || perCall === 0)
    throw userError('C002', `-n ${options.n}: write how many pages, or -1 for all`);
  const plan: Plan = {
    kernel,
    command: dumps && options.p === true ? GUP_TEST.dumpPinned : COMMANDS[last.command],
    pages: size,
    perCall: perCall < 0 ? size : perCall,
    repeats: whole('-r', options.r ?? '1', 0),
    threads: threadsOf(options.j ?? '1'),
    flags: flagsOf(kernel, options.F ?? '0', last.write),
    backing: backingOf(options.f ?? '/dev/zero'),
    shared: options.S === true,
    hugetlb: options.H === true,
    thp: last.thp,
    dumped: dumps ? dumpedOf(pages) : [],
  };
  refuseUnknown(plan);
  await runPlan(plan);
};

const kernelOf = (name: string | undefined): string => {
  const newest = RELEASES.at(-1) ?? '';
  const parsed = parseKernelList(name ?? newest);
  if (!parsed.ok) throw userError('C010', parsed.message);
  const [only, ...more] = parsed.kernels;
  if (only === undefined || more.length > 0)
    throw userError('C011', `-k ${name} names several kernels; name one`);
  return only;
};

const threadsOf = (text: string): number => {
  const threads = whole('-j', text, 1);
  if (threads > MOST_THREADS) throw userError('C002', `-j ${text}: at most ${MOST_THREADS}`);
  return threads;
};

/** Decimal, hexadecimal or octal, as strtol() reads them. */
const strtol = (what: string, text: string): number => {
  const n = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  if (text === '' || !Number.isInteger(n) || n < 0 || n > 0x7fff_ffff)
    throw userError('C002', `${what} ${text}: write a whole number, such as 1 or 0x1`);
  return n;
};

const flagsOf = (kernel: string, text: string, isWrite: boolean): number => {
  const flags = follFromRaw({ rules: rulesFor(kernel) }, strtol('-F', text));
  if (flags === -1) throw userError('C002', `-F ${text}: a bit of it is no flag of ${kernel}`);
  return isWrite ? flags | FOLL.write : flags;
};

const dumpedOf = (pages: readonly string[]): number[] =>
  pages.length === 0 ? [0] : pages.slice(0, MOST_DUMPED).map((text) => strtol('page', text));

const backingOf = (path: string): Backing => {
  if (path === '/dev/zero') return 'zero';
  if (path.startsWith('/dev/dax')) return 'devdax';
  if (/^\/tmpfs\/./.test(path)) return 'tmpfs';
  if (/^\/hugetlbfs\/./.test(path)) return 'hugetlbfs';
  throw userError(
    'C003',
    `-f ${path}: write /dev/zero, /dev/dax0.0, or a path below /tmpfs or /hugetlbfs`,
  );
};

/** Calls and devices that this kernel does not have. */
const refuseUnknown = ({ kernel, command, backing, shared, hugetlb }: Plan): void => {
  const rules = rulesFor(kernel);
  const pinning: readonly number[] = [GUP_TEST.pinFast, GUP_TEST.pinLongterm, GUP_TEST.pinBasic];
  if ((pinning.includes(command) || command === GUP_TEST.dumpPinned) && !rules.api.pinUserPages)
    throw userError(
      'C016',
      `-k ${kernel}: no pin_user_pages() there; 5.6 is the first that has it`,
    );
  if (backing !== 'devdax' || hugetlb) return;
  if (!rules.call.deviceDax) throw userError('C016', `-k ${kernel}: no device-dax there`);
  if (!shared) throw userError('C006', '-f /dev/dax*: such a device is mapped with -S only');
};

/** Runs it and prints as gup_test does. */
const runPlan = async (plan: Plan): Promise<void> => {
  print(`TAP version 13\n1..${plan.threads}`);
  const timed = plan.command <= GUP_TEST.pinLongterm;
  // What is not timed runs once.
  const runs = { ...plan, repeats: timed ? plan.repeats : 1 };
  const progress = new Progress();
  const told = (pages: number): void => progress.update(`${pages} of ${plan.pages} pages touched`);
  const said = (measured: Measured): void => {
    progress.done();
    write(text(plan, measured));
  };
  if (plan.threads === 1) runAlone(runs, told, said);
  else await runThreads(runs, told, said);
  // The ioctl itself does not fail: a call that is refused makes the range short.
  for (let i = 1; i <= plan.threads; i++) print(`ok ${i} ioctl status 0`);
  print(`# Totals: pass:${plan.threads} fail:0 xfail:0 xpass:0 skip:0 error:0`);
};

/** ksft_print_msg() puts "# " in front of every piece, which gup_test prints a line by. */
const text = ({ command, pages }: Plan, { get, put, size, log }: Measured): string => {
  const name = NAMES[command] ?? '';
  const logged = log.map((line) => `# ${line}\n`).join('');
  const bytes = size * 4096;
  if (command > GUP_TEST.pinLongterm)
    return `${logged}# ${name}: done\n${size === pages ? '' : `# Truncated (size: ${bytes})\n`}`;
  const short = size === pages ? '' : `# , truncated (size: ${bytes})`;
  return `${logged}# ${name}: Time: get:${get} put:${put} us${short}# \n`;
};

const runThreads = async (
  plan: Plan,
  told: (pages: number) => void,
  said: (measured: Measured) => void,
): Promise<void> => {
  const { jobs, end } = prepareThreads(plan, told);
  const script = moduleBeside('./gup-test-worker', import.meta.url);
  const all = await Promise.all(jobs.map((job) => thread(script, job)));
  for (const measured of all.flat()) said(measured);
  end();
};

const thread = (script: URL, job: ThreadJob): Promise<Measured[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData: job });
    worker.once('error', reject);
    worker.once('message', resolve);
  });
