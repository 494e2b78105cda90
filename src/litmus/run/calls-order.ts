/** post, await and barrier: the order between threads that the test asks for. */
import { at, R, WAIT, WRITE } from '../../machine/access.ts';
import type { Steps } from '../../machine/types.ts';
import { CALL } from './call-ids.ts';
import type { Lit } from './program.ts';
import { argInt } from './values.ts';

/** Argument 0 is the number of the event or barrier. */
export function* callOrder(k: Lit, pc: number, id: number): Steps<number> {
  const n = argInt(k, pc, 0);
  if (id === CALL.await) {
    yield WAIT | at(R.event, n);
    return 0;
  }
  if (id === CALL.post) {
    yield WRITE | at(R.event, n);
    k.lit.events[n] = 1;
    return 0;
  }
  const arrived = k.program.events + 2 * n;
  yield WRITE | at(R.event, arrived);
  k.lit.events[arrived] += 1;
  if (k.lit.events[arrived] === k.program.barrierSizes[n]) k.lit.events[arrived + 1] = 1;
  yield WAIT | at(R.event, arrived + 1);
  return 0;
}
