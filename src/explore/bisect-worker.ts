/** A worker thread of bisect-run.ts: bisects one test, and shrinks it if that was asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import { parse } from '../litmus/parse.ts';
import { bisect } from './bisect.ts';
import type { BisectReply, BisectStart } from './bisect-run.ts';
import { Checker } from './check.ts';
import type { SearchProgress } from './limits.ts';
import { minimise } from './minimise.ts';

const port = parentPort;
if (port === null) throw new Error('bisect-worker.ts is no program of its own');
const { stop, job } = workerData as BisectStart;
const send = (reply: BisectReply): void => port.postMessage(reply);
const stopped = (): boolean => Atomics.load(stop, 0) !== 0;

/** Milliseconds between two messages. */
const TELL_EVERY = 100;
let told = performance.now();

const tell = (at: string, search: SearchProgress | null): void => {
  const now = performance.now();
  if (now - told < TELL_EVERY) return;
  told = now;
  send({ kind: 'progress', at, search });
};

const run = (): void => {
  const { checked } = parse(job.text, job.file);
  if (checked === undefined) throw new Error(`${job.file} does not parse any more`);
  const checker = new Checker(checked);
  let at = '';
  const poll = (search: SearchProgress): boolean => {
    tell(at, search);
    return stopped();
  };
  const limits = { ...job.limits, poll };
  const onExplore = (about: string): boolean => {
    at = about;
    tell(at, null);
    return stopped();
  };
  const found = bisect(checker, job.kernels, { limits, states: job.states, onExplore });
  if (job.tries === null || stopped()) {
    send({ kind: 'done', ...found, minimised: null, interrupted: stopped() });
    return;
  }
  const onTry = (tries: number, statements: number): boolean => {
    at = `try ${tries}: ${statements} statements left`;
    tell(at, null);
    return stopped();
  };
  const minimised = minimise(checker, job.kernels, found.flips, {
    tries: job.tries,
    limits,
    onTry,
  });
  send({ kind: 'done', ...found, minimised, interrupted: stopped() });
};

try {
  run();
} catch (error) {
  send({
    kind: 'failed',
    message: error instanceof Error ? error.message : String(error),
    stack: error instanceof Error ? (error.stack ?? '') : '',
    asked: error instanceof RangeError,
  });
}
