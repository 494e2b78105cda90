/** Walks through a witness twice, and writes it down decoded. */

import { createHash } from 'node:crypto';
import type { CheckedTest } from '../../litmus/checked.ts';
import { print, printCondition } from '../../litmus/printer.ts';
import type { End } from '../end.ts';
import { finalState, problemOf } from '../findings.ts';
import type { Decision } from '../graph.ts';
import { FULL, pathText, replay, type TraceStep } from '../replay.ts';
import type { Machine } from '../setup.ts';
import { Recorder, type Witness } from './recorder.ts';
import { Survey } from './survey.ts';
import type { ExplainedEnd, Explanation } from './types.ts';

/** What the test is, in a few digits: the hash of its canonical spelling. */
export const testHash = (checked: CheckedTest): string =>
  createHash('sha256').update(print(checked.test)).digest('hex').slice(0, 12);

/**
 * Where the path ends. Throws RangeError when the path does not fit the machine, or stops before the execution does.
 */
export const endOfPath = (w: Witness): ExplainedEnd => {
  let found: ExplainedEnd | null = null;
  replay(
    w.machine,
    w.sharing,
    w.path,
    () => undefined,
    (end) => {
      found = explainedEnd(w, end);
    },
  );
  if (found === null) throw new RangeError('the path stops before the execution does');
  return found;
};

const explainedEnd = (w: Witness, end: End | null): ExplainedEnd => {
  if (end === null) throw new RangeError('the path stops before the execution does');
  const problem = problemOf(w.machine, end);
  if (problem !== null) return { kind: 'problem', text: problem, holds: null };
  const state = finalState(w.machine, w.condition);
  if (state === null) throw new RangeError('the path ends in a state that the filter leaves out');
  return { kind: 'state', ...state };
};

/**
 * Decodes a witness that leads to `end`. `interesting`: the end is one that the test asks about, so that what happens
 * on the way is pointed out.
 */
export const explain = (
  w: Witness,
  end: ExplainedEnd,
  reason: string,
  interesting: boolean,
): Explanation => {
  const { machine, checked } = w;
  const survey = new Survey(checked, machine);
  replay(
    machine,
    w.sharing,
    w.path,
    (step) => survey.onStep(step),
    (at) => {
      survey.finish();
      const reached = explainedEnd(w, at).text;
      if (reached !== end.text)
        throw new Error(`the witness for '${end.text}' leads to '${reached}' when it is replayed`);
    },
  );

  const path = (w.sharing === null ? FULL : '') + pathText(w.path);
  const recorder = new Recorder(w, survey, interesting);
  replay(
    machine,
    w.sharing,
    w.path,
    (step) => recorder.onStep(step),
    (at) => at !== null && recorder.finish(at),
  );
  return {
    test: checked.test.name,
    file: checked.test.file,
    hash: testHash(checked),
    kernel: w.kernel,
    condition: printCondition(checked.test.condition).replace(/\s+/g, ' ').trim(),
    end,
    reason,
    path,
    command: commandFor(w, path),
    threads: threadsOf(machine),
    start: recorder.start,
    steps: recorder.steps,
    verdict: recorder.verdict,
  };
};

const commandFor = ({ checked, kernel }: Witness, path: string): string =>
  `pinfold explain ${checked.test.file} -k ${kernel} --path ${path}`;

/**
 * The explanation by a path of single steps, which is walked again without the search that found it: what that search had
 * learned of sharing when it was cut short, no other will know. As it is where single steps do not come to the same end.
 */
export const bySingleSteps = (w: Witness, explanation: Explanation): Explanation => {
  if (w.sharing === null) return explanation;
  const single: Decision[] = [];
  let decisions = 0;
  const onStep = ({ thread, decision }: TraceStep): void => {
    const choice = decision ? (w.path[decisions++]?.choice ?? 0) : 0;
    single.push({ thread, choice });
  };
  replay(w.machine, w.sharing, w.path, onStep);
  try {
    const end = endOfPath({ ...w, sharing: null, path: single });
    if (end.text !== explanation.end.text) return explanation;
  } catch (error) {
    if (error instanceof RangeError) return explanation;
    throw error;
  }
  const path = FULL + pathText(single);
  return { ...explanation, path, command: commandFor(w, path) };
};

const threadsOf = (m: Machine): Explanation['threads'] => {
  const own = m.k.program.threads.map((t) => ({
    name: t.name,
    process: t.kernelOnly ? null : t.process,
  }));
  return m.threads > own.length ? [...own, { name: 'device', process: null }] : own;
};
