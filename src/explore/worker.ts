/** A worker thread of pool.ts: explores the tests that it is sent, one at a time. */
import { parentPort } from 'node:worker_threads';
import { designNamed } from '../kernels/index.ts';
import { parse } from '../litmus/parse.ts';
import { Checker } from './check.ts';
import type { Job, Reply } from './pool.ts';

const port = parentPort;
if (port === null) throw new Error('worker.ts is no program of its own');

port.on('message', (job: Job) => {
  const send = (reply: Reply): void => port.postMessage(reply);
  try {
    const { checked } = parse(job.text, job.file);
    if (checked === undefined) throw new Error(`${job.file} does not parse any more`);
    const checker = new Checker(checked);
    const design = job.design === null ? undefined : designNamed(job.design);
    const verdicts = job.kernels.map((kernel) => {
      send({ kind: 'progress', test: checked.test.name, kernel });
      return checker.check(kernel, { ...job.options, design });
    });
    send({ kind: 'done', index: job.index, verdicts });
  } catch (error) {
    send({
      kind: 'failed',
      message: error instanceof Error ? error.message : String(error),
      stack: error instanceof Error ? (error.stack ?? '') : '',
    });
  }
});
