/** A worker thread that answers for the model: litmus texts in, outcomes out. */
import { parentPort } from 'node:worker_threads';
import { parse } from '../litmus/parse.ts';
import { modelOutcome } from './fuzz-model.ts';
import type { FuzzJob } from './fuzz-pool.ts';

parentPort?.on('message', ({ texts, kernel }: FuzzJob) => {
  parentPort?.postMessage(
    texts.map((text) => {
      const { checked } = parse(text, 'fuzz.litmus');
      if (checked === undefined) return { how: 'not a litmus test', answers: [], rules: [] };
      try {
        return modelOutcome(checked, kernel);
      } catch (error) {
        // A program that the model cannot carry through is a finding like any other.
        const message = error instanceof Error ? error.message : String(error);
        return { how: `internal error: ${message}`, answers: [], rules: [] };
      }
    }),
  );
});
