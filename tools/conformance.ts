/**
 * `make conformance`: runs every test that user space can express on this machine's kernel and on the fetched ones,
 * keeps what was seen in docs/conformance/KERNEL.json, and writes docs/conformance.md from these files. A test that such a
 * file holds as it is now is not run again, so the work can be stopped and gone on with, and new tests cost little.
 *
 *     node tools/conformance.ts                   all: this machine, and every fetched kernel
 *     node tools/conformance.ts host 5.10 6.1     only these
 *     node tools/conformance.ts --allow-system    this machine may get swap while a test needs it
 *     node tools/conformance.ts --open            also those again that disagreed, were not decided, or did not run
 *     node tools/conformance.ts --again           all tests again
 *     node tools/conformance.ts --compare         no kernel: compare what is stored with the model as it is now
 *     node tools/conformance.ts --page            only the page from the files
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { litmusFiles, readTests } from '../src/cli/litmus-files.ts';
import { reportOf } from '../src/cli/run-reports.ts';
import { Checker } from '../src/explore/check.ts';
import { Host } from '../src/host/machine.ts';
import { runOnKernels } from '../src/host/qemu/run.ts';
import { fetchedKernels, type Kernel } from '../src/host/qemu/store.ts';
import { modelledKernel, modelledRelease, runningRelease } from '../src/host/release.ts';
import { testHash } from '../src/host/report.ts';
import { type HostResult, runTest } from '../src/host/run-test.ts';
import type { CheckedTest } from '../src/litmus/checked.ts';
import { page, type Stored, type StoredTest } from './conformance-page.ts';
import { libraryTests, type Selftests, selftestSection } from './selftests-page.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join(root, 'docs/conformance');
const PAGE = join(root, 'docs/conformance.md');
const SELFTESTS = join(FOLDER, 'selftests/host.json');

/** Runs and seconds of each test. */
const LIMITS = { runs: 50, seed: 1, seconds: 1 };
/** Emulated processors are slow. */
const RUN_LIMIT = { host: 3000, emulated: 10_000 };

const tests = (): CheckedTest[] => {
  process.chdir(root);
  const library = readTests(litmusFiles(['library']));
  const names = new Set(library.map((c) => c.test.name));
  // Both folders may hold a test of the same name; then it is the library's that counts.
  return [
    ...library,
    ...readTests(litmusFiles(['test/host/litmus'])).filter((c) => !names.has(c.test.name)),
  ];
};

const fileOf = (name: string): string => join(FOLDER, `${name}.json`);

const stored = (): Stored[] =>
  readdirSync(FOLDER)
    .filter((n) => n.endsWith('.json'))
    .map((n) => JSON.parse(readFileSync(join(FOLDER, n), 'utf8')) as Stored);

const save = (s: Stored): void => {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(s.name), `${JSON.stringify(s, null, 1)}\n`);
};

/** What is kept of a test: what was seen, and what the comparison said. */
const entry = (
  checked: CheckedTest,
  result: HostResult,
  release: string,
  kernel: string | null,
): StoredTest => {
  const { comparison } = reportOf(checked, result, release, kernel);
  const common = { test: checked.test.name, file: checked.test.file, hash: testHash(checked.test) };
  if (result.kind === 'skip') return { ...common, skipped: result.reason };
  return {
    ...common,
    histogram: result.histogram,
    verdict: comparison?.verdict ?? 'alone',
    forbidden: comparison?.forbidden ?? [],
    unseen: comparison?.unseen.length ?? 0,
  };
};

const resultOf = (t: StoredTest): HostResult =>
  t.histogram === undefined
    ? { kind: 'skip', reason: t.skipped ?? '' }
    : { kind: 'ran', histogram: t.histogram };

/** The stored outcomes beside the model as it is now. */
const compareAgain = (all: readonly CheckedTest[]): void => {
  const known = new Map(all.map((c) => [testHash(c.test), c]));
  for (const s of stored()) {
    const again = s.tests.flatMap((t) => {
      const checked = known.get(t.hash);
      return checked === undefined ? [] : [entry(checked, resultOf(t), s.release, s.kernel)];
    });
    save({ ...s, tests: again });
  }
};

const today = (): string => new Date().toISOString().slice(0, 10);

/** What is stored of a kernel by the tests as they are now; none when all are to be run again. */
const kept = (name: string, all: readonly CheckedTest[], mode: Mode): Map<string, StoredTest> => {
  if (mode === 'again' || !existsSync(fileOf(name))) return new Map();
  const hashes = new Map(all.map((c) => [testHash(c.test), c.test]));
  const before = (JSON.parse(readFileSync(fileOf(name), 'utf8')) as Stored).tests;
  const open = (t: StoredTest): boolean =>
    t.verdict === 'disagrees' || t.verdict === 'cut' || t.histogram === undefined;
  return new Map(
    before
      .filter((t) => hashes.has(t.hash) && !NOT_RUN.test(t.skipped ?? ''))
      .filter((t) => mode !== 'open' || !open(t))
      .map((t) => [t.hash, t]),
  );
};

/** A skip that says nothing of the test. */
const NOT_RUN = /^the kernel did not come to this test/;

type Mode = 'new' | 'open' | 'again';

/** What was kept and what is new, in the order of the tests, under the names that they have now. */
const merged = (
  all: readonly CheckedTest[],
  before: ReadonlyMap<string, StoredTest>,
  found: readonly StoredTest[],
): StoredTest[] => {
  const fresh = new Map(found.map((t) => [t.hash, t]));
  return all.flatMap(({ test }) => {
    const hash = testHash(test);
    const t = fresh.get(hash) ?? before.get(hash);
    return t === undefined ? [] : [{ ...t, test: test.name, file: test.file }];
  });
};

/** Tests after which what was seen so far is kept. */
const SAVED_EVERY = 20;

const onHost = async (all: readonly CheckedTest[], mode: Mode, system: boolean): Promise<void> => {
  const release = runningRelease();
  const kernel = modelledRelease(release);
  const before = kept('host', all, mode);
  const due = all.filter((c) => !before.has(testHash(c.test)));
  if (due.length === 0) return;
  console.log(`${release} (this machine): ${due.length} tests`);
  const host = new Host();
  const found: StoredTest[] = [];
  const keep = (): void =>
    save({
      name: 'host',
      release,
      version: release,
      kernel,
      machine: "this project's machine",
      day: today(),
      failure: null,
      notes: [],
      tests: merged(all, before, found),
    });
  try {
    for (const checked of due) {
      const limits = { ...LIMITS, runLimit: RUN_LIMIT.host, allowSystem: system };
      found.push(entry(checked, await runTest(host, checked, limits), release, kernel));
      if (found.length % SAVED_EVERY === 0) keep();
    }
  } finally {
    host.close();
    keep();
  }
};

const onKernel = async (all: readonly CheckedTest[], kernel: Kernel, mode: Mode): Promise<void> => {
  const before = kept(kernel.version, all, mode);
  const due = all.filter((c) => !before.has(testHash(c.test)));
  if (due.length === 0) return;
  console.log(`${kernel.version}: ${due.length} tests`);
  const limits = {
    ...LIMITS,
    runLimit: RUN_LIMIT.emulated,
    accel: 'tcg' as const,
    jobs: 1,
  };
  const said = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text.slice(0, 99)}`);
  };
  const [result] = await runOnKernels(due, [kernel], limits, said);
  if (result === undefined) return;
  const model = modelledKernel(kernel.version, kernel.debian);
  const release = result.release ?? kernel.version;
  const found = due.flatMap((checked, i) => {
    const outcome = result.results[i];
    return outcome === undefined ? [] : [entry(checked, outcome, release, model)];
  });
  save({
    name: kernel.version,
    release,
    version: kernel.version,
    kernel: model,
    machine: 'QEMU (TCG)',
    day: today(),
    failure: result.failure,
    notes: result.notes,
    tests: merged(all, before, found),
  });
};

/** The kernel's self-tests with the model's answers of now; nothing where they were not run (tools/selftests.ts). */
const selftestLines = (all: readonly CheckedTest[]): string[] => {
  if (!existsSync(SELFTESTS)) return [];
  const selftests = JSON.parse(readFileSync(SELFTESTS, 'utf8')) as Selftests;
  const kernel = modelledRelease(selftests.release);
  const here = stored().find((s) => s.name === 'host');
  const library = Object.fromEntries(
    libraryTests(selftests).flatMap((test) => {
      const checked = all.find((c) => c.test.name === test);
      if (checked === undefined || kernel === null) return [];
      const own = here?.tests.find((t) => t.test === test);
      const host = own?.histogram === undefined ? '' : (own.verdict ?? '');
      return [[test, { model: new Checker(checked).check(kernel).observation, host }]];
    }),
  );
  const now: Selftests = { ...selftests, library };
  writeFileSync(SELFTESTS, `${JSON.stringify(now, null, 1)}\n`);
  return selftestSection(now);
};

const main = async (args: readonly string[]): Promise<void> => {
  const all = tests();
  if (!args.includes('--page')) {
    const wanted = args.filter((a) => !a.startsWith('--'));
    const means = (name: string): boolean =>
      wanted.length === 0 || wanted.some((w) => name === w || name.startsWith(`${w}.`));
    const mode: Mode = args.includes('--again')
      ? 'again'
      : args.includes('--open')
        ? 'open'
        : 'new';
    if (args.includes('--compare')) compareAgain(all);
    else {
      if (means('host')) await onHost(all, mode, args.includes('--allow-system'));
      for (const kernel of fetchedKernels())
        if (means(kernel.version)) await onKernel(all, kernel, mode);
    }
  }
  writeFileSync(PAGE, page(stored(), undefined, selftestLines(all)));
  console.log('docs/conformance.md is written');
};

await main(process.argv.slice(2));
