/** Explains in a thread of its own, so that an interrupt is heard while it searches. */
import { type JobRun, startJob } from '../explore/job.ts';
import type { SearchProgress } from '../explore/limits.ts';
import { moduleBeside } from '../explore/module-beside.ts';
import { UserError } from './errors.ts';
import type { Explained, ExplainJob } from './explain-job.ts';

/** Begins; `onProgress` is told which kernel is explored, and how far that is. Rejects with a UserError when there is nothing to show. */
export const startExplain = (
  job: ExplainJob,
  onProgress: (kernel: string, search: SearchProgress | null) => void,
): JobRun<Explained> =>
  startJob(
    moduleBeside('./explain-worker', import.meta.url),
    job,
    onProgress,
    (message, status: UserError['status']) => new UserError(message, status),
  );
