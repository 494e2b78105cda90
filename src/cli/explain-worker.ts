/** A worker thread of explain-run.ts: explains one test. */
import { parentPort, workerData } from 'node:worker_threads';
import { parse } from '../litmus/parse.ts';
import { reasonOf, UserError } from './errors.ts';
import { runExplain } from './explain-job.ts';
import type { ExplainReply, ExplainStart } from './explain-run.ts';

const port = parentPort;
if (port === null) throw new Error('explain-worker.ts is no program of its own');
const { stop, job } = workerData as ExplainStart;
const send = (reply: ExplainReply): void => port.postMessage(reply);
const stopped = (): boolean => Atomics.load(stop, 0) !== 0;

/** Milliseconds between two messages. */
const TELL_EVERY = 100;
let told = performance.now();

try {
  const { checked } = parse(job.text, job.file);
  if (checked === undefined) throw new Error(`${job.file} does not parse any more`);
  const explained = runExplain(checked, job, {
    poll: (kernel, search) => {
      const now = performance.now();
      if (now - told >= TELL_EVERY) {
        told = now;
        send({ kind: 'progress', kernel, search });
      }
      return stopped();
    },
    stopped,
  });
  send({ kind: 'done', ...explained });
} catch (error) {
  if (error instanceof UserError)
    send({ kind: 'refused', message: error.message, status: error.status });
  else
    send({
      kind: 'failed',
      message: reasonOf(error),
      stack: error instanceof Error ? (error.stack ?? '') : '',
    });
}
