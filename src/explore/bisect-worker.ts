/** A worker thread of bisect-run.ts: bisects one test, and shrinks it if that was asked for. */
import { parse } from '../litmus/parse.ts';
import { bisect } from './bisect.ts';
import type { Bisected, BisectJob } from './bisect-run.ts';
import { Checker } from './check.ts';
import { serveJob, type Watch } from './job.ts';
import type { SearchProgress } from './limits.ts';
import { minimise } from './minimise.ts';

const run = (job: BisectJob, watch: Watch): Bisected => {
  const { checked } = parse(job.text, job.file);
  if (checked === undefined) throw new Error(`${job.file} does not parse any more`);
  const checker = new Checker(checked);
  let at = '';
  const limits = { ...job.limits, poll: (search: SearchProgress) => watch.poll(at, search) };
  const onExplore = (about: string): boolean => {
    at = about;
    return watch.poll(at, null);
  };
  const found = bisect(checker, job.kernels, { limits, states: job.states, onExplore });
  if (job.tries === null || watch.stopped())
    return { ...found, minimised: null, interrupted: watch.stopped() };
  const onTry = (tries: number, statements: number): boolean => {
    at = `try ${tries}: ${statements} statements left`;
    return watch.poll(at, null);
  };
  const minimised = minimise(checker, job.kernels, found.flips, {
    tries: job.tries,
    limits,
    onTry,
  });
  return { ...found, minimised, interrupted: watch.stopped() };
};

serveJob(run, (error) => (error instanceof RangeError ? 'asked' : null));
