/** One long job in a thread of its own, so that whoever waits can be told how far it is, and can end it. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { SearchProgress } from './limits.ts';

/** What the worker is given. */
interface Start<Job> {
  /** Word 0 is not 0 once the worker has to stop. */
  readonly stop: Int32Array;
  readonly job: Job;
}

type Reply<Done, Refusal> =
  | { readonly kind: 'progress'; readonly at: string; readonly search: SearchProgress | null }
  | { readonly kind: 'done'; readonly done: Done }
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly stack: string;
      /** null: a fault of ours; else what was asked for is impossible. */
      readonly refusal: Refusal | null;
    };

export interface JobRun<Done> {
  readonly result: Promise<Done>;
  /** Lets the worker stop at its next look around, and answer with what it has. */
  stop(): void;
}

/** What a job asks while it runs. */
export interface Watch {
  /** Tells what is looked at, and how far that search is (null: it is about to begin); true: the job has to stop. */
  readonly poll: (at: string, search: SearchProgress | null) => boolean;
  readonly stopped: () => boolean;
}

/** Begins; the module at `worker` serves the job. `refused` makes an error of what the worker said is impossible. */
export const startJob = <Job, Done, Refusal>(
  worker: URL,
  job: Job,
  onProgress: (at: string, search: SearchProgress | null) => void,
  refused: (message: string, refusal: Refusal) => Error,
): JobRun<Done> => {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const start: Start<Job> = { stop, job };
  const result = new Promise<Done>((resolve, reject) => {
    const thread = new Worker(worker, { workerData: start });
    thread.on('error', reject);
    thread.on('message', (reply: Reply<Done, Refusal>) => {
      if (reply.kind === 'progress') onProgress(reply.at, reply.search);
      else if (reply.kind === 'done') resolve(reply.done);
      else if (reply.refusal !== null) reject(refused(reply.message, reply.refusal));
      else reject(Object.assign(new Error(reply.message), { stack: reply.stack }));
    });
  });
  return { result, stop: () => void Atomics.store(stop, 0, 1) };
};

/** Milliseconds between two messages of progress. */
const TELL_EVERY = 100;

/** The worker's side: runs the job that this thread was started with. `refusal`: what an error says is impossible; null: a fault. */
export const serveJob = <Job, Done, Refusal>(
  run: (job: Job, watch: Watch) => Done,
  refusal: (error: unknown) => Refusal | null,
): void => {
  const port = parentPort;
  if (port === null) throw new Error('a module for a worker thread is no program of its own');
  const { stop, job } = workerData as Start<Job>;
  const send = (reply: Reply<Done, Refusal>): void => port.postMessage(reply);
  const stopped = (): boolean => Atomics.load(stop, 0) !== 0;
  let told = performance.now();
  const poll = (at: string, search: SearchProgress | null): boolean => {
    const now = performance.now();
    if (now - told >= TELL_EVERY) {
      told = now;
      send({ kind: 'progress', at, search });
    }
    return stopped();
  };
  try {
    send({ kind: 'done', done: run(job, { poll, stopped }) });
  } catch (error) {
    send({
      kind: 'failed',
      message: error instanceof Error ? error.message : String(error),
      stack: error instanceof Error ? (error.stack ?? '') : '',
      refusal: refusal(error),
    });
  }
};
