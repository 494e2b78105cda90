/** Bisects in a thread of its own. */
import type { Flips } from './bisect.ts';
import { type JobRun, startJob } from './job.ts';
import type { Limits, SearchProgress } from './limits.ts';
import type { Minimised } from './minimise.ts';
import { moduleBeside } from './module-beside.ts';

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

export interface Bisected extends Flips {
  readonly minimised: Minimised | null;
  /** It was stopped; this is what there was. */
  readonly interrupted: boolean;
}

/** Begins; `onProgress` is told what is explored, and how far that search is. Rejects with a RangeError when what was asked for is impossible. */
export const startBisect = (
  job: BisectJob,
  onProgress: (at: string, search: SearchProgress | null) => void,
): JobRun<Bisected> =>
  startJob(
    moduleBeside('./bisect-worker', import.meta.url),
    job,
    onProgress,
    (message) => new RangeError(message),
  );
