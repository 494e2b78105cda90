import { at, CHOOSE } from './access.ts';
import type { Machine } from './machine.ts';
import type { Steps } from './types.ts';

/**
 * One of `n` alternatives that hardware or chance decides, 0 being the ordinary one. The explorer takes
 * each in turn, at once, so that nothing can happen between the question and the answer.
 */
export function* choose(k: Machine, n: number): Steps<number> {
  yield CHOOSE | at(0, n);
  return k.choice[0];
}
