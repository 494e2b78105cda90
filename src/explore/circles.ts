/**
 * Circles of states that no step leads out of: a livelock, however fair the scheduler is.
 *
 * The search notes from which states it came to an end of the execution. What it leaves out are other ways to the same
 * ends, so these are most states. From the others all steps are taken here, until a way out is found or there is none.
 */

import { setLog } from '../machine/resumable.ts';
import type { Machine } from './setup.ts';
import type { Sharing } from './sharing.ts';
import { Snapshots } from './snapshots.ts';
import { StateTable } from './state-table.ts';
import { STEP } from './step-table.ts';
import { Transitions } from './transitions.ts';

/** Memory that a state takes here, about. */
export const VISITED_BYTES = 400;
/** States that are looked at for whether one path ends in a circle. */
const MOST_STATES = 1_000_000;

/** Where threads go round: states of which each is come to from each other, and none leads out. */
export interface Circle {
  readonly states: readonly Int32Array[];
  /** Threads that step there, as bits. */
  readonly threads: number;
}

/** A state on the way from the first one, and what has still to be tried from it. */
interface Frame {
  readonly number: number;
  ready: number;
  choice: number;
  readonly choices: number;
}

/** What is known of a state that was come to, as Tarjan's search for strongly connected components has it. */
interface Visited {
  readonly state: Int32Array;
  /** Those that can step there, or go round unnoticed, as bits. */
  readonly threads: number;
  /** The lowest number among the states that it and those behind it step to, of those whose component is not yet complete. */
  low: number;
  complete: boolean;
  /** It steps to a state of another component. */
  leaves: boolean;
}

/**
 * Takes all steps from `start` on. Where an execution ends, or comes to where one is known to (`leads`), all the states on
 * the way there are told to `wayOut`, and that is all: null. Else the circles that threads end in, with all states that were
 * come to told to `wayOut` as well. `goesOn` is asked after each step; where it says no: null.
 */
export const circlesFrom = (
  transitions: Transitions,
  threads: number,
  start: Int32Array,
  leads: (state: Int32Array) => boolean,
  wayOut: (state: Int32Array) => void,
  goesOn: (states: number) => boolean,
): Circle[] | null => {
  if (leadsAtOnce(transitions, start, leads)) {
    wayOut(start);
    return null;
  }
  const table = new StateTable(threads, false);
  /** By number, from 1 in the order in which they were come to. */
  const visited: Visited[] = [];
  const path: Frame[] = [];
  const open: number[] = [];
  const circles: Circle[] = [];
  const at = (number: number): Visited => visited[number - 1] as Visited;
  /** False: the execution ends there. */
  const enter = (state: Int32Array): boolean => {
    const number = visited.length + 1;
    table.add(state);
    const chooser = transitions.chooser(state);
    const choices = chooser < 0 ? 1 : transitions.choices(state, chooser);
    const ready = chooser < 0 ? transitions.ready(state) : 1 << chooser;
    const walkers = ready | transitions.stuck(state);
    visited.push({ state, threads: walkers, low: number, complete: false, leaves: false });
    path.push({ number, ready, choice: 0, choices });
    open.push(number);
    return ready !== 0;
  };
  const leave = (number: number): void => {
    path.pop();
    const { low } = at(number);
    const before = path.at(-1);
    if (low === number) {
      const members = open.splice(open.lastIndexOf(number)).map(at);
      for (const member of members) member.complete = true;
      if (!members.some((member) => member.leaves))
        circles.push({
          states: members.map((member) => member.state),
          threads: members.reduce((all, member) => all | member.threads, 0),
        });
    }
    if (before === undefined) return;
    const from = at(before.number);
    if (low === number) from.leaves = true;
    else from.low = Math.min(from.low, low);
  };
  let ended = !enter(start.slice());
  for (let frame = path.at(-1); frame !== undefined && !ended; frame = path.at(-1)) {
    if (frame.ready === 0) {
      leave(frame.number);
      continue;
    }
    const t = 31 - Math.clz32(frame.ready & -frame.ready);
    const { choice } = frame;
    frame.choice++;
    if (frame.choice === frame.choices) {
      frame.choice = 0;
      frame.ready &= frame.ready - 1;
    }
    const from = at(frame.number);
    const next = from.state.slice();
    const known = transitions.step(next, t, choice);
    if (transitions.cut !== null || !goesOn(visited.length)) return null;
    const row = table.find(next);
    if (row >= 0) {
      const number = table.number(row);
      if (at(number).complete) from.leaves = true;
      else from.low = Math.min(from.low, number);
    } else {
      ended = (known & STEP.bug) !== 0 || leads(next) || !enter(next);
    }
  }
  const told = ended ? path.map((frame) => at(frame.number)) : visited;
  for (const { state } of told) wayOut(state);
  return ended ? null : circles;
};

/** Whether one step is enough, as it most often is. */
export const leadsAtOnce = (
  transitions: Transitions,
  state: Int32Array,
  leads: (state: Int32Array) => boolean,
): boolean => {
  if (transitions.chooser(state) >= 0) return false;
  const next = state.slice();
  for (let ready = transitions.ready(state); ready !== 0; ready &= ready - 1) {
    next.set(state);
    const known = transitions.step(next, 31 - Math.clz32(ready & -ready), 0);
    if ((known & STEP.bug) !== 0 || leads(next)) return true;
  }
  return false;
};

/**
 * The threads that go round for ever in the circle that `m` stands in, as bits; 0: it stands in none, or that takes too long to
 * find out. Nothing is changed.
 */
export const circleAt = (m: Machine, sharing: Sharing | null): number => {
  const knowledge = { snapshots: new Snapshots(m), sharing, futures: null };
  const transitions = new Transitions(m, knowledge);
  setLog(new Int32Array(1 << 10));
  const state = new Int32Array(1 + m.threads);
  transitions.take(state);
  const few = (states: number): boolean => states < MOST_STATES;
  const never = (): boolean => false;
  const circles = circlesFrom(transitions, m.threads, state, never, () => undefined, few);
  transitions.stand(state);
  setLog(null);
  // Its own circle is all that it comes to; another would have let it out of this one.
  const [circle] = circles ?? [];
  return circle?.states[0]?.join() === state.join() ? circle.threads : 0;
};
