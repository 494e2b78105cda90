/** A worker thread that answers for the model: litmus texts in, outcomes out. */
import { parentPort } from 'node:worker_threads';
import type { ModelOutcome } from '../host/fuzz/fuzz.ts';
import { parse } from '../litmus/parse.ts';
import { FuzzModel } from './fuzz-model.ts';
import type { FuzzJob } from './fuzz-pool.ts';

const models = new Map<string, FuzzModel>();

const modelFor = (kernel: string): FuzzModel => {
  const known = models.get(kernel);
  if (known !== undefined) return known;
  const model = new FuzzModel(kernel);
  models.set(kernel, model);
  return model;
};

const answer = (text: string, kernel: string): ModelOutcome => {
  const { checked } = parse(text, 'fuzz.litmus');
  if (checked === undefined) return { how: 'not a litmus test', answers: [], rules: [] };
  try {
    return modelFor(kernel).outcome(checked);
  } catch (error) {
    // A program that the model cannot carry through is a finding like any other.
    const message = error instanceof Error ? error.message : String(error);
    return { how: `internal error: ${message}`, answers: [], rules: [] };
  }
};

parentPort?.on('message', ({ texts, kernel }: FuzzJob) => {
  parentPort?.postMessage(texts.map((text) => answer(text, kernel)));
});
