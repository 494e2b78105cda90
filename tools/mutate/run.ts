/** Shows each mutant to the tests that come to its place, the quick ones first, until one of them notices. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleOverrides } from '../../src/kernels/index.ts';
import { draw } from './draw.ts';
import type { LibraryTest } from './library.ts';
import type { Result } from './report.ts';
import { RULE_KERNELS, type RuleMutant } from './rule-mutants.ts';
import { Runner } from './runner.ts';
import { buildSchema, copyText, firstOf } from './schema.ts';
import { type MutatedFile, mutatedFiles } from './source-mutants.ts';
import type { Showing } from './worker.ts';

/** Before pins to now, one of each way of deciding; those of the rule mutants are among them. */
export const KERNELS: readonly string[] = [
  ...new Set([
    '4.4',
    '4.6',
    '4.9',
    '5.4',
    '5.6',
    '5.7',
    '5.8',
    '5.10',
    '5.18',
    '5.19',
    '6.1',
    '6.12',
    '6.14',
    '7.3',
  ]).union(new Set(RULE_KERNELS)),
];

/** A mutant may have more states and take longer than the unchanged test; one that goes wild is left. */
const MORE_STATES = 50_000;
const moreTime = (milliseconds: number): number => Math.max(5000, 4 * milliseconds);
/** For the unchanged test. */
const BASE_LIMITS = { states: 2_000_000, milliseconds: 120_000 };

export interface Options {
  /** Folder for the changed copy of the project and for what is known from earlier runs. */
  readonly cache: string;
  /** A mutant that no test noticed for so many ms is put aside; what is left is shown in the next run. */
  readonly patience: number;
  /** Of the project. */
  readonly commit: string;
  /** No mutant is begun after it (`performance.now()`); what is not known of the others by then stays undecided. */
  readonly deadline: number;
  /** Has a reason not to be noticed. */
  readonly excused: (id: string) => boolean;
  readonly onResult: (result: Result) => void;
}

interface Base {
  readonly test: string;
  readonly kernel: string;
  /** An earlier kernel's search served this one too. */
  readonly served: boolean;
  readonly states: number;
  readonly milliseconds: number;
  readonly seen: ReadonlySet<number>;
  readonly rules: ReadonlySet<string>;
}

/** A mutant of either kind, as it is run. */
interface Subject {
  readonly id: string;
  readonly key: string;
  readonly chosen: readonly [number, number];
  readonly overrides: RuleOverrides | null;
  readonly bases: readonly Base[];
  readonly note: string;
}

/** A result, and what it rests on: it is known again while these stay. */
interface Kept {
  readonly key: string;
  readonly result: Result;
  /** Hash of the test that noticed, or of those that did not. */
  readonly shown: readonly string[];
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** The names of the files that mutants are asked for, and the rule mutants. */
export interface Asked {
  readonly files: readonly string[];
  /** How many of the mutants of the source, and the seed that draws them; null: all. */
  readonly sample: { readonly size: number; readonly seed: number } | null;
  readonly rules: readonly RuleMutant[];
  /** Only the mutants of the source with these ids; null: all. */
  readonly ids: ReadonlySet<string> | null;
}

export const runMutants = async (
  asked: Asked,
  tests: readonly LibraryTest[],
  options: Options,
): Promise<Result[]> => {
  const tree = join(options.cache, 'tree');
  const files = mutatedFiles(asked.files);
  const refused = buildSchema(tree, files);
  const runner = new Runner({
    root: tree,
    tests: Object.fromEntries(tests.map((t) => [t.name, t.text])),
  });
  try {
    const bases = await baseRun(runner, tests, options.cache);
    const results = new Results(
      join(options.cache, 'results.json'),
      new Map(tests.map((t) => [t.name, sha(t.text)])),
    );
    const answers: Result[] = [];
    for (const mutant of files.flatMap((f) => f.mutants).filter((m) => refused.has(m)))
      answers.push({
        id: mutant.id,
        fate: 'broken',
        by: null,
        how: null,
        tests: 0,
        left: 0,
        commit: options.commit,
      });
    const places = sourceSubjects(files, bases).filter(
      (s) => ![...refused].some((m) => m.id === s.id) && asked.ids?.has(s.id) !== false,
    );
    const { size, seed } = asked.sample ?? { size: places.length, seed: 1 };
    const all = [...ruleSubjects(asked.rules, bases), ...draw(places, size, seed)];
    // Those that need no answer come last.
    const matters = (s: Subject): number => (options.excused(s.id) ? 1 : 0);
    for (const subject of all.sort((a, b) => matters(a) - matters(b))) {
      const late = performance.now() > options.deadline;
      const result = await judge(runner, subject, results, late ? null : options.patience, options);
      options.onResult(result);
      answers.push(result);
    }
    return answers;
  } finally {
    await runner.end();
  }
};

/** A base as it is kept in the cache, by hash of the program and of the test. */
type KeptBase = Omit<Base, 'seen' | 'rules'> & {
  readonly seen: readonly number[];
  readonly rules: readonly string[];
};

/** What all of the program's text is: it numbers the mutants, and decides what a test does. */
const programHash = (tree: string): string => {
  const all = createHash('sha256');
  const names = readdirSync(join(tree, 'src'), { recursive: true, encoding: 'utf8' });
  for (const name of names.filter((n) => n.endsWith('.ts')).sort())
    all.update(name).update(readFileSync(join(tree, 'src', name)));
  return all.digest('hex');
};

/** Every test at every kernel, without a change: what it reads, where it comes, how long it takes. */
const baseRun = async (
  runner: Runner,
  tests: readonly LibraryTest[],
  cache: string,
): Promise<Base[]> => {
  const path = join(cache, 'base.json');
  const program = programHash(join(cache, 'tree'));
  const before = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  const kept: Record<string, KeptBase[]> = before.program === program ? before.kept : {};
  const wanted = tests.filter((t) => kept[sha(t.text)] === undefined);
  const showings = wanted.flatMap(({ name }) =>
    KERNELS.map((kernel): Showing => ({ test: name, kernel, ...BASE_LIMITS })),
  );
  const hashes = new Map(tests.map((t) => [t.name, sha(t.text)]));
  const job = { chosen: [0, 0], overrides: null, showings, all: true } as const;
  const outcome = await runner.run(job, Number.POSITIVE_INFINITY, (told) => {
    const showing = showings[told.showing];
    if (showing === undefined) return;
    const { test, kernel } = showing;
    kept[hashes.get(test) ?? ''] ??= [];
    // A test that disagrees already can notice nothing.
    if (told.wrong !== null) console.error(`${test}: disagrees without a change: ${told.wrong}`);
    else if (!told.silent) {
      const { served, states, milliseconds, seen, rules } = told;
      const base = { test, kernel, served, states, milliseconds, seen, rules };
      kept[hashes.get(test) ?? '']?.push(base);
    }
  });
  if (outcome.kind === 'hung' || outcome.kind === 'died')
    throw new Error(`${showings[outcome.showing]?.test} without a change: ${outcome.how}`);
  writeFileSync(path, JSON.stringify({ program, kept }));
  const bases = tests
    .flatMap((t) => (kept[sha(t.text)] ?? []).map((b) => ({ ...b, test: t.name })))
    .map((b): Base => ({ ...b, seen: new Set(b.seen), rules: new Set(b.rules) }));
  const search = new Map<string, number>();
  for (const b of bases)
    if (!b.served) search.set(b.test, Math.max(search.get(b.test) ?? 0, b.milliseconds));
  // A search that served several kernels took its time once; a rule mutant has to take it again.
  return bases
    .map((b) => (b.served ? { ...b, milliseconds: search.get(b.test) ?? 0 } : b))
    .sort((a, b) => a.milliseconds - b.milliseconds);
};

const sourceSubjects = (files: readonly MutatedFile[], bases: readonly Base[]): Subject[] =>
  files.flatMap(({ text, mutants }) => {
    const first = firstOf(mutants);
    return mutants.map((m) => ({
      id: m.id,
      key: sha(copyText(m, text).replace(/_m\d+/, '')),
      chosen: [m.number, first.get(m.number) ?? 0] as const,
      overrides: null,
      bases: inTurns(bases.filter((b) => !b.served && b.seen.has(m.number))),
      note: `line ${m.line}: ${m.was}`,
    }));
  });

/** Each test at one kernel, the newest, before any of them at a second one; among these the quick ones first. */
const inTurns = (bases: readonly Base[]): Base[] => {
  const age = (b: Base): number => KERNELS.length - KERNELS.indexOf(b.kernel);
  const turns = new Map<string, number>();
  return [...bases]
    .sort((a, b) => age(a) - age(b))
    .map((base) => {
      const turn = turns.get(base.test) ?? 0;
      turns.set(base.test, turn + 1);
      return { base, turn };
    })
    .sort((a, b) => a.turn - b.turn || a.base.milliseconds - b.base.milliseconds)
    .map(({ base }) => base);
};

const ruleSubjects = (mutants: readonly RuleMutant[], bases: readonly Base[]): Subject[] =>
  mutants.map((m) => ({
    id: m.id,
    key: sha(m.id),
    chosen: [0, 0],
    overrides: { [m.rule]: m.value } as RuleOverrides,
    bases: bases.filter((b) => b.kernel === m.kernel && b.rules.has(m.rule)),
    note: '',
  }));

/** Results over runs, in a file. */
class Results {
  readonly #path: string;
  readonly #kept: Record<string, Kept>;
  readonly #hashes: ReadonlyMap<string, string>;

  constructor(path: string, hashes: ReadonlyMap<string, string>) {
    this.#path = path;
    this.#hashes = hashes;
    this.#kept = existsSync(this.#path) ? JSON.parse(readFileSync(this.#path, 'utf8')) : {};
  }

  hash(b: { readonly test: string; readonly kernel: string }): string {
    return `${this.#hashes.get(b.test)}@${b.kernel}`;
  }

  /** The noticed one as it was; of the others, what need not be shown again. */
  known({ id, key }: Subject): { readonly noticed: Result | null; readonly shown: Set<string> } {
    const kept = this.#kept[id];
    if (kept === undefined || kept.key !== key) return { noticed: null, shown: new Set() };
    if (kept.result.fate !== 'noticed') return { noticed: null, shown: new Set(kept.shown) };
    const same = kept.shown.every((h) => [...this.#hashes.values()].includes(h));
    return { noticed: same ? kept.result : null, shown: new Set() };
  }

  keep({ id, key }: Subject, result: Result, shown: readonly string[]): void {
    const by = this.#hashes.get(result.by ?? '') ?? '';
    this.#kept[id] = { key, result, shown: result.fate === 'noticed' ? [by] : shown };
    writeFileSync(this.#path, JSON.stringify(this.#kept));
  }
}

const judge = async (
  runner: Runner,
  subject: Subject,
  results: Results,
  /** null: there is no time left, what is known has to do. */
  patience: number | null,
  { commit }: Options,
): Promise<Result> => {
  const { noticed, shown } = results.known(subject);
  if (noticed !== null) return noticed;
  const tests = new Set(subject.bases.map((b) => b.test)).size;
  const bases = subject.bases.filter((b) => !shown.has(results.hash(b)));
  const said = (fate: Result['fate'], by: string | null, how: string | null): Result => ({
    id: subject.id,
    fate,
    by,
    how,
    tests,
    commit,
    left: subject.bases.filter((b) => !shown.has(results.hash(b))).length,
  });
  let result: Result | null = null;
  let from = 0;
  while (patience !== null && result === null && from < bases.length) {
    const asked = bases.slice(from);
    const showings = asked.map(({ test, kernel, states, milliseconds }) => ({
      test,
      kernel,
      states: states + MORE_STATES,
      milliseconds: moreTime(milliseconds),
    }));
    const { chosen, overrides } = subject;
    const outcome = await runner.run(
      { chosen, overrides, showings, all: false },
      patience,
      ({ showing, wrong }) => {
        const base = asked[showing];
        if (base === undefined) return;
        shown.add(results.hash(base));
        if (wrong !== null) result = said('noticed', base.test, wrong);
      },
    );
    if (result !== null || outcome.kind === 'done' || outcome.kind === 'patience') break;
    const base = asked[outcome.showing];
    if (base === undefined) break;
    shown.add(results.hash(base));
    // An endless loop would be seen by who runs the test. A worker without memory says nothing about the mutant: go on.
    if (outcome.kind === 'hung')
      result = said('noticed', base.test, `${base.kernel}: ${outcome.how}`);
    from += outcome.showing + 1;
  }
  result ??= said(tests === 0 ? 'unreached' : 'survived', null, subject.note);
  if (patience !== null) results.keep(subject, result, [...shown]);
  return result;
};
