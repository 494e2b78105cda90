/** Takes steps of threads in place, and says to `sharing` what each touched. */
import { accessOp, accessRegion, CHOOSE, R } from '../machine/access.ts';
import { accessEnabled } from '../machine/enabled.ts';
import { resume, threadPending, threadRunning } from '../machine/resumable.ts';
import type { Machine } from './setup.ts';
import type { Sharing } from './sharing.ts';

/** Steps of one thread in a row that nobody notices, after which it is taken to run forever. */
const RUN_LIMIT = 200_000;

export class Stepper {
  steps = 0;
  /** Called before each step, with the thread and the access that it announced. */
  beforeStep: ((thread: number, word: number) => void) | null = null;
  readonly #m: Machine;
  readonly #sharing: Sharing | null;
  /** By thread: the last announced access of a CPU, to which a choice after it belongs; 0: none. */
  readonly #mmuWord: Int32Array;

  constructor(m: Machine, sharing: Sharing | null) {
    this.#m = m;
    this.#sharing = sharing;
    this.#mmuWord = new Int32Array(m.threads);
  }

  /** The thread can take its step now. */
  enabled(t: number): boolean {
    return threadRunning(t) && accessEnabled(this.#m.k, threadPending(t));
  }

  /** Takes the step that `t` has announced. */
  step(t: number): void {
    const { k } = this.#m;
    const sharing = this.#sharing;
    const word = threadPending(t);
    this.beforeStep?.(t, word);
    k.cpuNow[0] = this.#m.cpuOf[t] ?? 0;
    let meets = false;
    if (accessOp(word) !== CHOOSE) {
      this.#mmuWord[t] = accessRegion(word) === R.mmu ? word : 0;
      if (sharing !== null) meets = sharing.note(k, t, word);
    }
    resume(k, t);
    this.steps++;
    const also = k.also;
    const n = also[0] as number;
    if (n === 0) return;
    if (sharing !== null) {
      for (let i = 1; i <= n; i++) if (sharing.note(k, t, also[i] as number)) meets = true;
      // A CPU's access is noticed if anything that it touches is; which is known only afterwards.
      const mmu = this.#mmuWord[t] as number;
      if (meets && mmu !== 0) sharing.share(mmu);
    }
    for (let i = 0; i <= n; i++) also[i] = 0;
  }

  /** Runs `t` on while nobody can notice, from the step it has announced. False: it seems to run forever. */
  runOn(t: number): boolean {
    const sharing = this.#sharing;
    if (sharing === null) return true;
    const { k } = this.#m;
    for (let n = 0; n < RUN_LIMIT; n++) {
      if (!threadRunning(t) || (k.report[0] as number) !== 0) return true;
      const word = threadPending(t);
      if (accessOp(word) === CHOOSE || sharing.visible(word) || !accessEnabled(k, word))
        return true;
      this.step(t);
    }
    return false;
  }
}
