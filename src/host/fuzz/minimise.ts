/** Makes a program that shows a disagreement smaller while it still does. */
import type { FuzzProgram, Op } from './program.ts';
import { bodies } from './program.ts';

/** A step taken out; a fork takes all steps of its thread along. */
const without = (p: FuzzProgram, gone: Op): FuzzProgram => {
  const lost = new Set<number>();
  const drop = (op: Op): boolean => {
    if (op !== gone && !lost.has(op.thread)) {
      const other = op.args[0]?.value ?? -1;
      // A thread that is not there any more cannot be waited for, or asked about.
      return op.args[0]?.text.startsWith('P') === true && lost.has(other);
    }
    if (op.call === 'fork') lost.add(op.args[0]?.value ?? 0);
    return true;
  };
  return { ...p, ops: p.ops.filter((o) => !drop(o)) };
};

/** Every program that is one step smaller. */
const smaller = (p: FuzzProgram): FuzzProgram[] => {
  const fewerOps = p.ops.map((op) => without(p, op)).filter((q) => bodies(q) !== null);
  const fewerStores = p.init
    .filter((op) => op.call === 'store' || op.call === 'madvise')
    .map((op) => ({ ...p, init: p.init.filter((o) => o !== op) }));
  const fewerLooks = p.regions.flatMap((region) =>
    region.looks.map((look) => ({
      ...p,
      regions: p.regions.map((r) =>
        r === region ? { ...r, looks: r.looks.filter((l) => l !== look) } : r,
      ),
    })),
  );
  return [...fewerOps.reverse(), ...fewerStores, ...fewerLooks];
};

/** Rounds at most; each asks both sides about at most BATCH programs. */
const ROUNDS = 120;
const BATCH = 12;

/** `disagree` says of each of some programs whether both sides still differ. */
export const minimise = async (
  program: FuzzProgram,
  disagree: (candidates: readonly FuzzProgram[]) => Promise<readonly boolean[]>,
): Promise<FuzzProgram> => {
  let best = program;
  let rest = smaller(best);
  for (let round = 0; round < ROUNDS && rest.length > 0; round++) {
    const batch = rest.slice(0, BATCH);
    const found = (await disagree(batch)).indexOf(true);
    if (found < 0) {
      rest = rest.slice(BATCH);
      continue;
    }
    best = batch[found] as FuzzProgram;
    // What could not be left out before seldom can be now: go on behind it, and come back at the end.
    rest = smaller(best);
  }
  return best;
};
