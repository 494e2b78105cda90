/** Checks many tests at many kernels on several cores: one test at a time a worker, results in the order of the tests. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { designNamed } from '../kernels/index.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { Checker, type Verdict } from './check.ts';
import type { ExploreOptions } from './explore.ts';
import type { Limits } from './search.ts';

/** What checking needs besides the tests; plain data, as it goes to workers. */
export interface PoolOptions {
  readonly limits: Partial<Limits>;
  readonly unreduced: boolean;
  readonly sample: ExploreOptions['sample'];
}

export interface Source {
  readonly checked: CheckedTest;
  readonly text: string;
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
  | { readonly kind: 'progress'; readonly test: string; readonly kernel: string }
  | { readonly kind: 'done'; readonly index: number; readonly verdicts: readonly Verdict[] }
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string };

/** As many workers as cores, no more than tests; 1: no worker at all. */
export const defaultJobs = (tests: number): number =>
  Math.max(1, Math.min(availableParallelism(), tests));

/**
 * Verdicts of each test at each kernel. `onProgress` is told what is being looked at and how many tests are done.
 * Rejects with the message of a worker that failed.
 */
export const checkAll = async (
  sources: readonly Source[],
  kernels: readonly string[],
  options: PoolOptions,
  design: string | null,
  jobs: number,
  onProgress: (done: number, test: string, kernel: string) => void,
): Promise<(readonly Verdict[])[]> => {
  if (jobs <= 1)
    return sources.map((s, i) =>
      checkHere(s, kernels, options, design, (test, kernel) => onProgress(i, test, kernel)),
    );
  const results: (readonly Verdict[])[] = new Array<readonly Verdict[]>(sources.length).fill([]);
  let next = 0;
  let done = 0;
  const name = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
  const runWorker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(name, import.meta.url));
      const give = (): void => {
        const index = next++;
        const source = sources[index];
        if (source === undefined) {
          void worker.terminate().then(() => resolve());
          return;
        }
        const job: Job = {
          index,
          file: source.checked.test.file,
          text: source.text,
          kernels,
          options,
          design,
        };
        worker.postMessage(job);
      };
      worker.on('message', (reply: Reply) => {
        if (reply.kind === 'progress') {
          onProgress(done, reply.test, reply.kernel);
        } else if (reply.kind === 'done') {
          results[reply.index] = reply.verdicts;
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
  await Promise.all(Array.from({ length: jobs }, runWorker));
  return results;
};

const checkHere = (
  source: Source,
  kernels: readonly string[],
  options: PoolOptions,
  design: string | null,
  onProgress: (test: string, kernel: string) => void,
): readonly Verdict[] => {
  const checker = new Checker(source.checked);
  const chosen = design === null ? undefined : designNamed(design);
  return kernels.map((kernel) => {
    onProgress(source.checked.test.name, kernel);
    return checker.check(kernel, { ...options, design: chosen });
  });
};
