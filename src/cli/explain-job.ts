/** Finds the execution that `pinfold explain` shows. */
import { Checker } from '../explore/check.ts';
import { chooseEnd, findEnd, wantedOf } from '../explore/explain/ends.ts';
import { bySingleSteps, endOfPath, explain } from '../explore/explain/explain.ts';
import type { Witness } from '../explore/explain/recorder.ts';
import type { ExplainedEnd, Explanation } from '../explore/explain/types.ts';
import type { Explored } from '../explore/explore.ts';
import type { Exploration } from '../explore/findings.ts';
import type { Watch } from '../explore/job.ts';
import type { Limits, SearchProgress } from '../explore/limits.ts';
import { FULL, parsePath } from '../explore/replay.ts';
import { allKernels, rulesFor } from '../kernels/index.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { userError } from './errors.ts';

/** What to explain; plain data, as it goes to the worker. */
export interface ExplainJob {
  readonly file: string;
  readonly text: string;
  /** null: the newest with an end of interest. */
  readonly kernel: string | null;
  /** --state. */
  readonly state: string | null;
  /** --path. */
  readonly path: string | null;
  readonly limits: Pick<Limits, 'states' | 'time' | 'bytes'>;
}

export interface Explained {
  readonly explanation: Explanation;
  /** Why the search was cut short, so that there may be other ends, and an easier way to this one; null: it was not. */
  readonly cut: string | null;
}

const NO_SAMPLE = { executions: 0, seed: 0, depth: null };

/** When a search that was cut short has nothing to show: executions chosen by a seed, while whoever interrupted it still waits. */
const A_FEW = { executions: 1_000, seed: 1, depth: null };
const A_MOMENT = { time: 1_000 };

/** The kernel to explain at when none is named, and what that makes of it. */
interface Place {
  readonly kernel: string;
  readonly remark: string;
  /** Why not all that is newer could be explored to its end; null: it could. */
  readonly cut: string | null;
}

/** Explains; throws UserError when there is nothing to show. A search that is cut short is explained by what it has found. */
export const runExplain = (checked: CheckedTest, job: ExplainJob, watch: Watch): Explained => {
  const checker = new Checker(checked);
  const { name } = checked.test;
  const place =
    job.kernel === null
      ? newestPlace(checker, job, watch)
      : { kernel: job.kernel, remark: '', cut: null };
  const { kernel, remark } = place;
  // A path of single steps needs no search.
  const sample = job.path?.startsWith(FULL) === true ? NO_SAMPLE : undefined;
  const limits = { ...job.limits, poll: (at: SearchProgress) => watch.poll(kernel, at) };
  const searched = checker.exploreForReplay(rulesFor(kernel), { limits, sample });
  const cut = (sample === undefined ? cutOf(searched.exploration) : null) ?? place.cut;
  const sampled = cut !== null && job.path === null && !showable(searched);
  const explored = sampled
    ? checker.exploreForReplay(rulesFor(kernel), { limits: A_MOMENT, sample: A_FEW })
    : searched;
  const { exploration, machine, sharing } = explored;
  const { condition } = checker;
  if (machine === null || condition === null) throw cannot(name, kernel, searched.exploration);
  const base = { checked, condition, machine, sharing, kernel, source: job.text };
  if (job.path !== null) {
    if (cut !== null) throw cannot(name, kernel, exploration);
    return { explanation: byPath(base, job.path), cut };
  }
  if (cut !== null && endsOf(exploration) === 0) throw cannot(name, kernel, searched.exploration);

  const how = cut === null ? '' : ` (${cut}${sampled ? '; from a sample of executions' : ''})`;
  const at = `${exploration.observation} at ${kernel}${how}`;
  const wanted = wantedOf(checked.test.condition.quantifier);
  const shown = (end: ExplainedEnd, reason: string, interesting: boolean): Explained => {
    const witness = { ...base, path: pathTo(explored, end) };
    const explanation = explain(witness, end, reason, interesting);
    return { explanation: cut === null ? explanation : bySingleSteps(witness, explanation), cut };
  };
  if (job.state !== null) {
    const end = findEnd(exploration, job.state);
    if ('text' in end) return shown(end, `${at}; asked for by --state`, end.holds !== !wanted);
    const ends = [...end]
      .sort()
      .map((t) => `  ${t}`)
      .join('\n');
    throw userError('C014', `--state ${job.state}: name one of these ends at ${kernel}:\n${ends}`);
  }
  const choice = chooseEnd(checked, exploration);
  if (choice === null)
    throw userError(
      'C031',
      `at ${kernel}: Vacuous: no execution comes to a state that the filter lets through`,
      name,
    );
  const { end, interesting } = choice;
  const asked = wanted ? 'the condition holds' : 'the condition does not hold';
  if (interesting) {
    const what = end.kind === 'problem' ? 'that ends badly' : `after which ${asked}`;
    return shown(end, `${at}${remark}: an execution ${what}`, true);
  }
  const none = cut === null ? 'there is no execution' : 'so far there is no execution';
  return shown(
    end,
    `${at}${remark}: ${none} after which ${asked}; here is one of the executions`,
    false,
  );
};

const endsOf = ({ states, problems }: Exploration): number => states.length + problems.length;

/** Whether the search has come to an end, by a way that can be walked again: not by one that took for a thread's own what is shared. */
const showable = ({ exploration, sharing }: Explored): boolean =>
  endsOf(exploration) > 0 && sharing?.broken !== true;

const cutOf = (e: Exploration): string | null =>
  e.observation === 'Incomplete' ? (e.reason ?? 'cut short') : null;

const cannot = (name: string, kernel: string, { observation, reason }: Exploration): Error =>
  userError(
    observation === 'Unsupported' ? 'C031' : 'C030',
    `at ${kernel}: ${observation}: ${reason ?? ''}`,
    name,
  );

/** The newest kernel at which the test shows what it asks about; else the newest that has what it uses. */
const newestPlace = (checker: Checker, job: ExplainJob, watch: Watch): Place => {
  const { checked } = checker;
  let first: string | null = null;
  let cut: string | null = null;
  for (const kernel of [...allKernels].reverse()) {
    const limits = { ...job.limits, poll: (at: SearchProgress) => watch.poll(kernel, at) };
    const exploration = checker.explore(rulesFor(kernel), { limits });
    if (exploration.observation === 'Unsupported') continue;
    first ??= kernel;
    if (job.state !== null) break;
    if (watch.stopped())
      throw userError(
        'C030',
        `interrupted before an end was found that it asks about, from ${first} back to ${kernel}; name a kernel with -k`,
        checked.test.name,
      );
    if (chooseEnd(checked, exploration)?.interesting === true)
      return { kernel, remark: ', the newest kernel with such an end', cut: null };
    cut ??= cutOf(exploration);
  }
  const remark = cut === null ? ' and at every other kernel' : '';
  return { kernel: first ?? allKernels.at(-1) ?? '', remark, cut };
};

const pathTo = ({ ways }: Explored, end: ExplainedEnd): Witness['path'] => {
  const path = ways?.easiestPath(end.text) ?? null;
  if (path === null) throw new Error(`no path leads to '${end.text}'`);
  return path;
};

const byPath = (base: Omit<Witness, 'path'>, text: string): Explanation => {
  const path = parsePath(text.startsWith(FULL) ? text.slice(FULL.length) : text);
  if (path === null)
    throw userError(
      'C015',
      `--path ${text}: write threads and how many decisions each takes, as in 0.7/2.4/1c1/0.3`,
    );
  const witness = { ...base, path };
  let end: ExplainedEnd;
  try {
    end = endOfPath(witness);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw userError(
      'C015',
      `--path ${text}: ${error.message}; the path must come from this test, this kernel (${base.kernel}) and this version of pinfold`,
    );
  }
  const wanted = wantedOf(base.checked.test.condition.quantifier);
  return explain(witness, end, 'the execution that --path names', end.holds !== !wanted);
};
