/** The one worker: asked for one job after the other, ended and started again when it hangs or dies. */
import { Worker } from 'node:worker_threads';
import type { Job, Told, WorkerData } from './worker.ts';

export type Ended = Told & { readonly kind: 'end' };

/** How a job ended. `hung`, `died`: in the showing of this number, twice. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'patience' }
  | { readonly kind: 'hung' | 'died'; readonly showing: number; readonly how: string };

/**
 * A search ends itself at its limits; a worker that says nothing for so long beyond them is in an endless loop inside one
 * step of the model. The machine may be busy with other things, hence so long, and hence twice.
 */
const SILENCE = 30_000;

type Heard = Told | { readonly kind: 'died'; readonly how: string };

/** A worker and who listens to it now. */
interface Live {
  readonly worker: Worker;
  ready: boolean;
  hear: (told: Heard) => void;
}

export class Runner {
  readonly #data: WorkerData;
  readonly #silence: number;
  #live: Live | null = null;

  constructor(data: WorkerData, silence: number = SILENCE) {
    this.#data = data;
    this.#silence = silence;
  }

  /** Runs `job`; `onEnd` hears of each showing. After `patience` ms no further showing is begun. */
  async run(job: Job, patience: number, onEnd: (told: Ended) => void): Promise<Outcome> {
    const deadline = performance.now() + patience;
    let from = 0;
    let failedAt = -1;
    for (;;) {
      const rest = { ...job, showings: job.showings.slice(from) };
      const start = from;
      const outcome = await this.#once(rest, deadline, (told) =>
        onEnd({ ...told, showing: told.showing + start }),
      );
      if (outcome.kind === 'done' || outcome.kind === 'patience') return outcome;
      const at = outcome.showing + from;
      if (at === failedAt) return { ...outcome, showing: at };
      failedAt = at;
      from = at;
    }
  }

  async end(): Promise<void> {
    const live = this.#live;
    this.#live = null;
    if (live === null) return;
    live.hear = () => undefined;
    await live.worker.terminate();
  }

  #start(): Live {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: this.#data,
      resourceLimits: { maxOldGenerationSizeMb: 4096 },
    });
    const live: Live = { worker, ready: false, hear: () => undefined };
    worker.on('message', (told: Told) => live.hear(told));
    worker.on('error', (error) => live.hear({ kind: 'died', how: error.message }));
    worker.on('exit', () => live.hear({ kind: 'died', how: 'ended' }));
    return live;
  }

  #once(job: Job, deadline: number, onEnd: (told: Ended) => void): Promise<Outcome> {
    this.#live ??= this.#start();
    const live = this.#live;
    return new Promise((resolve) => {
      let current = 0;
      let silence: NodeJS.Timeout;
      const finish = (outcome: Outcome, alive: boolean): void => {
        clearTimeout(silence);
        live.hear = () => undefined;
        if (alive) resolve(outcome);
        else void this.end().then(() => resolve(outcome));
      };
      const wait = (): void => {
        clearTimeout(silence);
        const hung = { kind: 'hung', showing: current, how: 'did not come back' } as const;
        const most = this.#silence + (job.showings[current]?.milliseconds ?? 0);
        silence = setTimeout(() => finish(hung, false), most);
      };
      live.hear = (told) => {
        if (told.kind === 'died')
          return finish({ kind: 'died', showing: current, how: told.how }, false);
        if (told.kind === 'done') return finish({ kind: 'done' }, true);
        if (told.kind === 'ready') {
          live.ready = true;
          live.worker.postMessage(job);
        } else if (told.kind === 'begin') current = told.showing;
        else {
          onEnd(told);
          if (told.wrong === null && performance.now() > deadline)
            return finish({ kind: 'patience' }, false);
        }
        return wait();
      };
      wait();
      if (live.ready) live.worker.postMessage(job);
    });
  }
}
