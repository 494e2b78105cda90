/** The model on several cores. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { moduleBeside } from '../explore/module-beside.ts';
import type { ModelOutcome } from '../host/fuzz/fuzz.ts';

export interface FuzzJob {
  readonly texts: readonly string[];
  readonly kernel: string;
  readonly swap: boolean;
}

/** Texts that a worker gets at once. */
const CHUNK = 16;

export class ModelPool {
  readonly #kernel: string;
  readonly #swap: boolean;
  readonly #workers: readonly Worker[];

  constructor(kernel: string, swap: boolean) {
    this.#kernel = kernel;
    this.#swap = swap;
    const script = moduleBeside('./fuzz-worker', import.meta.url);
    this.#workers = Array.from({ length: availableParallelism() }, () => new Worker(script));
  }

  /** The model's answer to each text. */
  async run(texts: readonly string[]): Promise<ModelOutcome[]> {
    const results: ModelOutcome[] = [];
    let next = 0;
    const work = async (worker: Worker): Promise<void> => {
      while (next < texts.length) {
        const from = next;
        next += CHUNK;
        const answers = await this.#ask(worker, texts.slice(from, from + CHUNK));
        answers.forEach((a, i) => {
          results[from + i] = a;
        });
      }
    };
    await Promise.all(this.#workers.map(work));
    return results;
  }

  #ask(worker: Worker, texts: readonly string[]): Promise<ModelOutcome[]> {
    return new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', (answers: ModelOutcome[]) => {
        worker.removeListener('error', reject);
        resolve(answers);
      });
      const job: FuzzJob = { texts, kernel: this.#kernel, swap: this.#swap };
      worker.postMessage(job);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((w) => w.terminate()));
  }
}
