/** A few executions by chance before a search, so that it knows from the start most of what threads share. */
import { accessIndex, accessOp, CHOOSE } from '../machine/access.ts';
import { setLog, setStacks, threadPending, threadRunning, undoTo } from '../machine/resumable.ts';
import { Random } from './random.ts';
import { type Machine, STACK_WORDS } from './setup.ts';
import type { Sharing } from './sharing.ts';
import { Stepper } from './stepper.ts';

const EXECUTIONS = 6;
/** Steps in all; an execution need not come to its end. */
const STEPS = 3_000;

/** Notes in `sharing` what the executions touch. The machine is at its start again afterwards. */
export const rehearse = (m: Machine, sharing: Sharing): void => {
  const { k, arena, stacks, threads } = m;
  setStacks(stacks, STACK_WORDS);
  setLog(new Int32Array(1 << 14));
  const atStart = stacks.slice();
  const random = new Random(1);
  const stepper = new Stepper(m, sharing);
  for (let n = 0; n < EXECUTIONS && stepper.steps < STEPS; n++) {
    // Threads go on for a while each, the longer the later the execution.
    const patience = 1 << n;
    let last = -1;
    while (stepper.steps < STEPS && (k.report[0] as number) === 0) {
      const chooses = last >= 0 && threadRunning(last) && accessOp(threadPending(last)) === CHOOSE;
      if (chooses) {
        k.choice[0] = random.below(accessIndex(threadPending(last)));
      } else if (last < 0 || !stepper.enabled(last) || random.below(patience) === 0) {
        last = anyOf(stepper, threads, random);
        if (last < 0) break;
        k.choice[0] = 0;
      }
      stepper.step(last);
    }
    undoTo(arena, 0);
    stacks.set(atStart);
  }
  setLog(null);
};

/** A thread that can step, by chance; -1: none can. */
const anyOf = (stepper: Stepper, threads: number, random: Random): number => {
  let found = -1;
  for (let t = 0, n = 1; t < threads; t++)
    if (stepper.enabled(t) && random.below(n++) === 0) found = t;
  return found;
};
