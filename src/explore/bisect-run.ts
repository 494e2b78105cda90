/** Bisects in a thread of its own, so that whoever waits can be told how far it is, and can end it. */
import { Worker } from 'node:worker_threads';
import type { Flips } from './bisect.ts';
import type { Limits, SearchProgress } from './limits.ts';
import type { Minimised } from './minimise.ts';

/** What to bisect; plain data, as it goes to the worker. */
export interface BisectJob {
  readonly file: string;
  readonly text: string;
  readonly kernels: readonly string[];
  readonly states: boolean;
  readonly limits: Pick<Limits, 'states' | 'time' | 'bytes'>;
  /** Shrink the test with at most so many tries; null: do not. */
  readonly tries: number | null;
}

export interface BisectStart {
  /** Word 0 is not 0 once the worker has to stop. */
  readonly stop: Int32Array;
  readonly job: BisectJob;
}

export interface Bisected extends Flips {
  readonly minimised: Minimised | null;
  /** It was stopped; this is what there was. */
  readonly interrupted: boolean;
}

export type BisectReply =
  | { readonly kind: 'progress'; readonly at: string; readonly search: SearchProgress | null }
  | ({ readonly kind: 'done' } & Bisected)
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly stack: string;
      /** What was asked for is impossible; else a fault of ours. */
      readonly asked: boolean;
    };

export interface BisectRun {
  /** Rejects with a RangeError when what was asked for is impossible. */
  readonly result: Promise<Bisected>;
  /** Lets the worker stop at its next look around. */
  stop(): void;
}

/** Begins; `onProgress` is told what is explored, and how far that search is. */
export const startBisect = (
  job: BisectJob,
  onProgress: (at: string, search: SearchProgress | null) => void,
): BisectRun => {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const start: BisectStart = { stop, job };
  const name = import.meta.url.endsWith('.ts') ? './bisect-worker.ts' : './bisect-worker.js';
  const result = new Promise<Bisected>((resolve, reject) => {
    const worker = new Worker(new URL(name, import.meta.url), { workerData: start });
    worker.on('error', reject);
    worker.on('message', (reply: BisectReply) => {
      if (reply.kind === 'progress') onProgress(reply.at, reply.search);
      else if (reply.kind === 'done') resolve(reply);
      else {
        const error = reply.asked ? new RangeError(reply.message) : new Error(reply.message);
        reject(Object.assign(error, { stack: reply.stack }));
      }
    });
  });
  return { result, stop: () => void Atomics.store(stop, 0, 1) };
};
