/** What is known of a machine and its test, from one search of it to the next. */
import { setStacks } from '../machine/resumable.ts';
import { Futures } from './futures.ts';
import { type Machine, STACK_WORDS } from './setup.ts';
import { Sharing } from './sharing.ts';
import { Snapshots } from './snapshots.ts';

/** What a search knows and learns; the next one of the same machine goes on from there. */
export interface Knowledge {
  readonly snapshots: Snapshots;
  /** null: every step is one that others may notice, and no order of two steps is left out. */
  readonly sharing: Sharing | null;
  /** null: from each state all threads go on. */
  readonly futures: Futures | null;
}

/** Nothing is known yet. `reduced`: leaves out what comes to the same; `whole`: but takes every step between states that it keeps. */
export const noKnowledge = (m: Machine, reduced: boolean, whole: boolean): Knowledge => {
  setStacks(m.stacks, STACK_WORDS);
  const snapshots = new Snapshots(m);
  const sharing = reduced ? new Sharing() : null;
  const futures = sharing === null || whole ? null : new Futures(snapshots, sharing, m.threads);
  return { snapshots, sharing, futures };
};
