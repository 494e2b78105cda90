/** Checks many tests at many kernels on several cores: one test at a time a worker, results in the order of the tests. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { CheckedTest } from '../litmus/checked.ts';
import type { Verdict } from './check.ts';
import type { ExploreOptions } from './explore.ts';
import type { Limits, SearchProgress } from './limits.ts';
import { moduleBeside } from './module-beside.ts';

/** Where searches are kept while they run: a folder; what tells them from those of other builds and options; how often. */
export interface KeepOptions {
  readonly folder: string;
  readonly key: string;
  readonly milliseconds: number;
}

/** What checking needs besides the tests; plain data, as it goes to workers. */
export interface PoolOptions {
  readonly limits: Pick<Limits, 'states' | 'time' | 'bytes'>;
  readonly unreduced: boolean;
  readonly sample: ExploreOptions['sample'];
  readonly keep?: KeepOptions | null;
}

export interface Source {
  readonly checked: CheckedTest;
  readonly text: string;
}

/** What a worker is started with: word 0 is not 0 once it has to stop. */
export interface WorkerStart {
  readonly stop: Int32Array;
}

export interface Job {
  readonly index: number;
  readonly file: string;
  readonly text: string;
  readonly kernels: readonly string[];
  readonly options: PoolOptions;
  readonly design: string | null;
}

export type Reply =
  | {
      readonly kind: 'progress';
      readonly test: string;
      readonly kernel: string;
      /** null: the exploration is about to begin. */
      readonly search: SearchProgress | null;
    }
  | { readonly kind: 'verdict'; readonly index: number; readonly verdict: Verdict }
  | { readonly kind: 'done'; readonly index: number }
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string };

/** How far a check is: tests done, and what one of the workers looks at. */
export interface PoolProgress {
  readonly done: number;
  readonly test: string;
  readonly kernel: string;
  readonly search: SearchProgress | null;
}

export interface PoolRun {
  /** Verdicts of each test, in the order of tests and kernels; those that were not come to are missing. */
  readonly verdicts: Promise<(readonly Verdict[])[]>;
  /** Lets every worker stop at its next look around; what was found by then is in the verdicts. */
  stop(): void;
}

/** As many workers as cores, no more than tests. */
export const defaultJobs = (tests: number): number =>
  Math.max(1, Math.min(availableParallelism(), tests));

/**
 * Checks each test at each kernel that `wanted` names for it. `onProgress` is told what is looked at, `onVerdict` each
 * verdict as it comes. The promise rejects with the message of a worker that failed.
 */
export const checkAll = (
  sources: readonly Source[],
  wanted: (index: number) => readonly string[],
  options: PoolOptions,
  design: string | null,
  jobs: number,
  onProgress: (progress: PoolProgress) => void,
  onVerdict: (verdict: Verdict) => void = () => undefined,
): PoolRun => {
  const results: Verdict[][] = sources.map(() => []);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  let next = 0;
  let done = 0;
  const script = moduleBeside('./worker', import.meta.url);
  const runWorker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const start: WorkerStart = { stop };
      const worker = new Worker(script, { workerData: start });
      const give = (): void => {
        const index = next++;
        const source = Atomics.load(stop, 0) === 0 ? sources[index] : undefined;
        if (source === undefined) {
          void worker.terminate().then(() => resolve());
          return;
        }
        const { file } = source.checked.test;
        const job: Job = {
          index,
          file,
          text: source.text,
          kernels: wanted(index),
          options,
          design,
        };
        worker.postMessage(job);
      };
      worker.on('message', (reply: Reply) => {
        if (reply.kind === 'progress') {
          onProgress({ done, test: reply.test, kernel: reply.kernel, search: reply.search });
        } else if (reply.kind === 'verdict') {
          results[reply.index]?.push(reply.verdict);
          onVerdict(reply.verdict);
        } else if (reply.kind === 'done') {
          done++;
          give();
        } else {
          void worker
            .terminate()
            .then(() => reject(Object.assign(new Error(reply.message), { stack: reply.stack })));
        }
      });
      worker.on('error', reject);
      give();
    });
  return {
    verdicts: Promise.all(Array.from({ length: jobs }, runWorker)).then(() => results),
    stop: () => void Atomics.store(stop, 0, 1),
  };
};
