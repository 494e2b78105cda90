/** A worker thread that answers for the model: litmus texts in, outcomes out. */
import { parentPort } from 'node:worker_threads';
import type { ModelOutcome } from '../host/fuzz/fuzz.ts';
import { parse } from '../litmus/parse.ts';
import { FuzzModel } from './fuzz-model.ts';
import type { FuzzJob } from './fuzz-pool.ts';

const models = new Map<string, FuzzModel>();

const modelFor = ({ kernel, swap }: FuzzJob): FuzzModel => {
  const key = `${kernel} ${swap}`;
  const known = models.get(key);
  if (known !== undefined) return known;
  const model = new FuzzModel(kernel, swap);
  models.set(key, model);
  return model;
};

const answer = (text: string, job: FuzzJob): ModelOutcome => {
  const { checked } = parse(text, 'fuzz.litmus');
  if (checked === undefined) return { how: 'not a litmus test', answers: [], rules: [] };
  try {
    return modelFor(job).outcome(checked);
  } catch (error) {
    // A program that the model cannot carry through is a finding like any other.
    const message = error instanceof Error ? error.message : String(error);
    return { how: `internal error: ${message}`, answers: [], rules: [] };
  }
};

parentPort?.on('message', (job: FuzzJob) => {
  parentPort?.postMessage(job.texts.map((text) => answer(text, job)));
});
