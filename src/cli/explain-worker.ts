/** A worker thread of explain-run.ts: explains one test. */
import { serveJob } from '../explore/job.ts';
import { parse } from '../litmus/parse.ts';
import { UserError } from './errors.ts';
import { type ExplainJob, runExplain } from './explain-job.ts';

serveJob(
  (job: ExplainJob, watch) => {
    const { checked } = parse(job.text, job.file);
    if (checked === undefined) throw new Error(`${job.file} does not parse any more`);
    return runExplain(checked, job, watch);
  },
  (error) => (error instanceof UserError ? error.status : null),
);
