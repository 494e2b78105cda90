/** Builds each mutant of the source into a copy of the project and shows it to the tests that run the changed function. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { syncFolder } from '../rewrite/files.ts';
import type { Layout } from '../rewrite/modules.ts';
import { rewrite } from '../rewrite/rewrite.ts';
import { type LibraryTest, PROJECT } from './library.ts';
import type { Result } from './report.ts';
import type { SourceMutant } from './source-mutants.ts';
import type { Asked, Told, WorkerJob } from './worker.ts';

/** Before pins to now, one of each way of deciding. */
const KERNELS = ['4.6', '5.4', '5.7', '5.8', '5.10', '5.18', '5.19', '6.1', '6.12', '7.3'];
const CACHE = join(PROJECT, '.cache/mutate');
const TREE = join(CACHE, 'tree');
/** A test that says nothing for so long has been led into an endless loop by the mutant. */
const SILENCE = 180_000;
/** A mutant that no test noticed for so long has survived. */
const PATIENCE = 120_000;

const layout: Layout = {
  root: join(TREE, 'src'),
  folders: ['machine', 'mm', 'fs', 'drivers', 'litmus/run'],
  out: join(TREE, 'gen'),
  runtime: join(TREE, 'src/machine/resumable.ts'),
  tables: ['regions'],
  shown: 'src/',
};

/** False: the changed source is not of the accepted subset. */
const build = (): boolean => {
  const { files, refusals } = rewrite(layout, ['resumable']);
  if (refusals.length > 0) return false;
  for (const [form, made] of files) syncFolder(join(layout.out, form), made);
  return true;
};

const copyTree = (): void => {
  rmSync(TREE, { recursive: true, force: true });
  mkdirSync(TREE, { recursive: true });
  for (const name of ['src', 'gen', 'package.json'])
    cpSync(join(PROJECT, name), join(TREE, name), { recursive: true });
};

/** Runs `tests` in a worker until one of them disagrees; `onEnd` hears of each. The answer: who noticed, and how. */
const run = (
  tests: readonly Asked[],
  coverage: boolean,
  onEnd: (told: Told & { kind: 'end' }) => void,
): Promise<{ readonly by: string; readonly how: string } | null> =>
  new Promise((resolve) => {
    const data: WorkerJob = { root: TREE, tests, kernels: KERNELS, coverage };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: data });
    const start = performance.now();
    let current = '';
    let answered = false;
    const answer = (result: { by: string; how: string } | null): void => {
      if (answered) return;
      answered = true;
      clearTimeout(silence);
      void worker.terminate().then(() => resolve(result));
    };
    const late = (): void => answer({ by: current, how: 'did not come back' });
    let silence = setTimeout(late, SILENCE);
    worker.on('message', (told: Told) => {
      clearTimeout(silence);
      silence = setTimeout(late, SILENCE);
      current = told.test;
      if (told.kind === 'begin') return;
      onEnd(told);
      if (told.wrong !== null && !coverage) answer({ by: told.test, how: told.wrong });
      else if (!coverage && performance.now() - start > PATIENCE) answer(null);
    });
    worker.on('error', (error) => answer({ by: current, how: `threw ${error.message}` }));
    worker.on('exit', () => answer(null));
  });

interface Base extends Asked {
  readonly milliseconds: number;
  readonly functions: ReadonlySet<string>;
}

/** What each test runs, and how long that takes, without a change. */
const baseRun = async (tests: readonly LibraryTest[]): Promise<Base[]> => {
  copyTree();
  if (!build()) throw new Error('the source is refused without a change');
  const texts = new Map(tests.map((t) => [t.name, t.text]));
  const bases: Base[] = [];
  let heard = 0;
  const asked = tests.map(({ name, text }) => ({ name, text, states: 0 }));
  const ended = await run(asked, true, ({ test, wrong, states, milliseconds, functions }) => {
    heard++;
    // The first tests also pay for loading and compiling; a test that disagrees already can notice nothing.
    if (wrong !== null) console.error(`left out, disagrees without a change: ${test}: ${wrong}`);
    else
      bases.push({
        name: test,
        text: texts.get(test) ?? '',
        states,
        milliseconds,
        functions: new Set(functions),
      });
  });
  if (heard < tests.length)
    throw new Error(`${ended?.by ?? 'worker'} without a change: ${ended?.how ?? 'ended'}`);
  return bases.sort((a, b) => a.milliseconds - b.milliseconds);
};

const sha = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/**
 * The fate of each mutant. Results are kept in .cache/mutate: a mutant is run again when its file has changed, and one that
 * survived also when the library has.
 */
export const runSourceMutants = async (
  mutants: readonly SourceMutant[],
  tests: readonly LibraryTest[],
  onResult: (result: Result) => void,
): Promise<Result[]> => {
  const path = join(CACHE, 'results.json');
  mkdirSync(CACHE, { recursive: true });
  const kept: Record<string, { key: string; result: Result }> = existsSync(path)
    ? JSON.parse(readFileSync(path, 'utf8'))
    : {};
  const library = sha(tests.map((t) => t.text).join('\n'));
  const texts = new Map(tests.map((t) => [t.name, t.text]));
  const keyOf = (m: SourceMutant, r: Result): string =>
    sha(m.text) + (r.fate === 'noticed' ? sha(texts.get(r.by ?? '') ?? '') : library);
  let bases: Base[] | null = null;
  const results: Result[] = [];
  for (const mutant of mutants) {
    const known = kept[mutant.id];
    let result = known?.result;
    if (result === undefined || known?.key !== keyOf(mutant, result)) {
      bases ??= await baseRun(tests);
      result = await runOne(mutant, bases);
      kept[mutant.id] = { key: keyOf(mutant, result), result };
      writeFileSync(path, JSON.stringify(kept));
    }
    onResult(result);
    results.push(result);
  }
  return results;
};

const runOne = async (mutant: SourceMutant, bases: readonly Base[]): Promise<Result> => {
  const place = `${mutant.file}#${mutant.routine}`;
  const reaching = bases.filter((b) => b.functions.has(place));
  const result = (fate: Result['fate'], by: string | null, how: string | null): Result => ({
    id: mutant.id,
    fate,
    by,
    how,
    tests: reaching.length,
  });
  const asked = reaching.map(({ name, text, states }) => ({ name, text, states }));
  if (asked.length === 0) return result('unreached', null, null);
  const changed = join(TREE, 'src', mutant.file);
  const original = readFileSync(changed, 'utf8');
  writeFileSync(changed, mutant.text);
  try {
    if (!build()) return result('broken', null, null);
    const noticed = await run(asked, false, () => undefined);
    return noticed === null
      ? result('survived', null, `line ${mutant.line}: ${mutant.was}`)
      : result('noticed', noticed.by, noticed.how);
  } finally {
    writeFileSync(changed, original);
  }
};
