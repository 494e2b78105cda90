/** A worker thread of pool.ts: explores the tests that it is sent, one at a time. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { designNamed } from '../kernels/index.ts';
import { parse } from '../litmus/parse.ts';
import { Checker } from './check.ts';
import { Keeper } from './checkpoint.ts';
import type { SearchProgress } from './limits.ts';
import type { Job, Reply, WorkerStart } from './pool.ts';

const port = parentPort;
if (port === null) throw new Error('worker.ts is no program of its own');
const { stop } = workerData as WorkerStart;
const send = (reply: Reply): void => port.postMessage(reply);

/** Milliseconds between two messages about one search. */
const TELL_EVERY = 250;

const run = (job: Job): void => {
  const { checked } = parse(job.text, job.file);
  if (checked === undefined) throw new Error(`${job.file} does not parse any more`);
  const checker = new Checker(checked);
  const design = job.design === null ? undefined : designNamed(job.design);
  const test = checked.test.name;
  for (const kernel of job.kernels) {
    if (Atomics.load(stop, 0) !== 0) break;
    let told = performance.now();
    const poll = (search: SearchProgress): boolean => {
      const now = performance.now();
      if (now - told > TELL_EVERY) {
        told = now;
        send({ kind: 'progress', test, kernel, search });
      }
      return Atomics.load(stop, 0) !== 0;
    };
    send({ kind: 'progress', test, kernel, search: null });
    const verdict = checker.check(kernel, {
      ...job.options,
      design,
      keeper: keeperOf(job, kernel),
      limits: { ...job.options.limits, poll },
    });
    send({ kind: 'verdict', index: job.index, verdict });
  }
  send({ kind: 'done', index: job.index });
};

const keeperOf = ({ text, options: { keep, sample } }: Job, kernel: string): Keeper | undefined => {
  if (keep === undefined || keep === null || sample !== undefined) return undefined;
  const name = createHash('sha256')
    .update(JSON.stringify([keep.key, kernel, text]))
    .digest('hex');
  return new Keeper(join(keep.folder, name.slice(0, 32)), keep.milliseconds);
};

port.on('message', (job: Job) => {
  try {
    run(job);
  } catch (error) {
    send({
      kind: 'failed',
      message: error instanceof Error ? error.message : String(error),
      stack: error instanceof Error ? (error.stack ?? '') : '',
    });
  }
});
