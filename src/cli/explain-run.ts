/** Explains in a thread of its own, so that an interrupt is heard while it searches. */
import { Worker } from 'node:worker_threads';
import type { SearchProgress } from '../explore/limits.ts';
import { UserError } from './errors.ts';
import type { Explained, ExplainJob } from './explain-job.ts';

export interface ExplainStart {
  /** Word 0 is not 0 once the worker has to stop. */
  readonly stop: Int32Array;
  readonly job: ExplainJob;
}

export type ExplainReply =
  | { readonly kind: 'progress'; readonly kernel: string; readonly search: SearchProgress }
  | ({ readonly kind: 'done' } & Explained)
  | { readonly kind: 'refused'; readonly message: string; readonly status: 2 | 3 }
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string };

export interface ExplainRun {
  /** Rejects with a UserError when there is nothing to show. */
  readonly result: Promise<Explained>;
  /** Lets the worker stop at its next look around, and answer with what it has. */
  stop(): void;
}

/** Begins; `onProgress` is told which kernel is explored, and how far that is. */
export const startExplain = (
  job: ExplainJob,
  onProgress: (kernel: string, search: SearchProgress) => void,
): ExplainRun => {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const start: ExplainStart = { stop, job };
  const name = import.meta.url.endsWith('.ts') ? './explain-worker.ts' : './explain-worker.js';
  const result = new Promise<Explained>((resolve, reject) => {
    const worker = new Worker(new URL(name, import.meta.url), { workerData: start });
    worker.on('error', reject);
    worker.on('message', (reply: ExplainReply) => {
      if (reply.kind === 'progress') onProgress(reply.kernel, reply.search);
      else if (reply.kind === 'done') resolve(reply);
      else if (reply.kind === 'refused') reject(new UserError(reply.message, reply.status));
      else reject(Object.assign(new Error(reply.message), { stack: reply.stack }));
    });
  });
  return { result, stop: () => void Atomics.store(stop, 0, 1) };
};
