/**
 * Variables that no execution looks at again, from some instruction on: forgetting them there makes states equal that
 * differ in nothing that matters.
 */
import { type Instruction, OP } from '../run/program.ts';

type Vars = ReadonlySet<number>;

/**
 * The code with `forgets` filled in for the body that begins at `entry`, of whose variables `candidates` may be forgotten.
 * `lasting` are looked at when the thread has ended, wherever that was: a signal can end it at any instruction.
 */
export const withForgets = (
  code: readonly Instruction[],
  entry: number,
  candidates: Vars,
  lasting: Vars,
): Instruction[] => {
  const body = bodyFrom(code, entry);
  const after = liveAfter(code, body, lasting);
  const before = new Map(body.map((at) => [at, liveBefore(code, at, after.get(at) ?? lasting)]));
  const forgets = new Map<number, Set<number>>();
  for (const at of body) {
    const instruction = code[at];
    if (instruction === undefined) continue;
    const held = new Set([...(after.get(at) ?? []), ...instruction.reads, instruction.dst]);
    for (const next of successors(instruction, at)) {
      const live = before.get(next) ?? lasting;
      for (const v of held) {
        if (!candidates.has(v) || live.has(v) || lasting.has(v)) continue;
        const known = forgets.get(next);
        if (known === undefined) forgets.set(next, new Set([v]));
        else known.add(v);
      }
    }
  }
  return code.map((instruction, at) => {
    const vars = forgets.get(at);
    return vars === undefined ? instruction : { ...instruction, forgets: [...vars] };
  });
};

/** Instructions that can be reached from `entry`. */
const bodyFrom = (code: readonly Instruction[], entry: number): number[] => {
  const found = new Set<number>();
  const work = [entry];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    const instruction = code[at];
    if (instruction === undefined || found.has(at)) continue;
    found.add(at);
    work.push(...successors(instruction, at));
  }
  return [...found];
};

const successors = ({ op, target }: Instruction, at: number): number[] => {
  if (op === OP.end) return [];
  if (op === OP.jump) return [target];
  return op === OP.jumpUnless ? [at + 1, target] : [at + 1];
};

/** By instruction: what is looked at after it. */
const liveAfter = (
  code: readonly Instruction[],
  body: readonly number[],
  lasting: Vars,
): Map<number, Set<number>> => {
  const after = new Map(body.map((at) => [at, new Set(lasting)]));
  for (let grown = true; grown; ) {
    grown = false;
    for (const at of body) {
      const instruction = code[at];
      const mine = after.get(at);
      if (instruction === undefined || mine === undefined) continue;
      for (const next of successors(instruction, at)) {
        for (const v of liveBefore(code, next, after.get(next) ?? lasting)) {
          if (mine.has(v)) continue;
          mine.add(v);
          grown = true;
        }
      }
    }
  }
  return after;
};

const liveBefore = (code: readonly Instruction[], at: number, after: Vars): Set<number> => {
  const live = new Set(after);
  const instruction = code[at];
  if (instruction === undefined) return live;
  live.delete(instruction.dst);
  for (const v of instruction.reads) live.add(v);
  return live;
};
