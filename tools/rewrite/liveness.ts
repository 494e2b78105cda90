/** Which locals a function still needs at each place where it can be left, and where in the frame they are. */
import { type Block, type Effects, type Lowered, successors } from './blocks.ts';
import type { Local } from './scope.ts';

/** What to do to the frame when the function is left at the end of a block. */
interface Suspension {
  /** Locals that must be written, with their slot (from 1: slot 0 is the header). */
  readonly store: { readonly local: Local; readonly slot: number }[];
  /** Slots that hold something no longer needed. */
  readonly clear: number[];
}

export interface FrameLayout {
  /** Slot of each local that lives across a suspension. */
  readonly slots: Map<Local, number>;
  /** Words, header included. */
  readonly words: number;
  readonly suspensions: Map<Block, Suspension>;
}

export function layOutFrame(lowered: Lowered, params: readonly Local[]): FrameLayout {
  const needed = neededAtStart(lowered);
  const leaves = lowered.blocks.flatMap((block) =>
    block.end !== null && 'next' in block.end
      ? [{ block, live: needed.get(block.end.next) ?? new Set<Local>() }]
      : [],
  );
  const slots = assignSlots(
    leaves.map((l) => l.live),
    params,
  );
  const liveAt = new Map(leaves.map((l) => [l.block, l.live]));
  const slotsOf = (live: ReadonlySet<Local>): Set<number> =>
    new Set([...live].map((local) => slots.get(local) ?? 0));

  // Locals changed since the frame was last written or read.
  const changed = forward(lowered, new Set(params), (block, before) => {
    if (block.end?.kind === 'yield' || block.end?.kind === 'leaf') return new Set();
    return new Set([...before, ...changesOf(block)]);
  });
  // Slots that may not be 0.
  const occupied = forward(lowered, new Set<number>(), (block, before) => {
    const live = liveAt.get(block);
    if (live === undefined) return before;
    const after = slotsOf(live);
    if (block.end?.kind === 'call') for (const slot of before) after.add(slot);
    return after;
  });

  const suspensions = new Map<Block, Suspension>();
  for (const { block, live } of leaves) {
    const dirty = new Set([...(changed.get(block) ?? []), ...changesOf(block)]);
    const used = slotsOf(live);
    const store = [...live]
      .filter((local) => dirty.has(local))
      .map((local) => ({ local, slot: slots.get(local) ?? 0 }));
    store.sort((a, b) => a.slot - b.slot);
    const clear = [...(occupied.get(block) ?? [])]
      .filter((slot) => !used.has(slot))
      .sort((a, b) => a - b);
    suspensions.set(block, { store, clear });
  }
  return { slots, words: 1 + Math.max(0, ...slots.values()), suspensions };
}

/** Locals that the block may assign, in its test or arguments too. */
function changesOf(block: Block): Local[] {
  const parts = block.end === null ? block.pieces : [...block.pieces, block.end];
  return parts.flatMap((part) => [...part.effects.changes]);
}

/** Live locals at the start of each block. */
function neededAtStart(lowered: Lowered): Map<Block, Set<Local>> {
  const needed = new Map<Block, Set<Local>>(lowered.blocks.map((b) => [b, new Set()]));
  const add = (live: Set<Local>, block: Block) => {
    for (const local of needed.get(block) ?? []) live.add(local);
  };
  const back = (live: Set<Local>, effects: Effects) => {
    for (const local of effects.kills) live.delete(local);
    for (const local of effects.reads) live.add(local);
    for (const exit of effects.exits) add(live, exit);
  };
  for (let again = true; again; ) {
    again = false;
    for (const block of lowered.blocks.toReversed()) {
      const live = new Set<Local>();
      const { end } = block;
      const ahead = end === null ? [] : successors({ pieces: [], end });
      for (const to of ahead) add(live, to);
      if (end !== null) back(live, end.effects);
      for (const piece of block.pieces.toReversed()) back(live, piece.effects);
      if (live.size !== needed.get(block)?.size) {
        needed.set(block, live);
        again = true;
      }
    }
  }
  return needed;
}

/** Two locals share a slot when they are never needed at the same place. */
function assignSlots(
  places: readonly ReadonlySet<Local>[],
  params: readonly Local[],
): Map<Local, number> {
  const all = new Set(places.flatMap((live) => [...live]));
  const ordered = [
    ...params.filter((p) => all.has(p)),
    ...[...all]
      .filter((l) => !params.includes(l))
      .sort((a, b) => a.declared.start - b.declared.start),
  ];
  const slots = new Map<Local, number>();
  for (const local of ordered) {
    const taken = new Set<number>();
    for (const live of places) {
      if (live.has(local)) for (const other of live) taken.add(slots.get(other) ?? 0);
    }
    let slot = 1;
    while (taken.has(slot)) slot++;
    slots.set(local, slot);
  }
  return slots;
}

/** Union over all paths of what holds at the start of each block. */
function forward<T>(
  lowered: Lowered,
  atEntry: Set<T>,
  through: (block: Block, before: Set<T>) => Set<T>,
): Map<Block, Set<T>> {
  const before = new Map<Block, Set<T>>(
    lowered.blocks.map((b, i) => [b, i === 0 ? atEntry : new Set<T>()]),
  );
  for (let again = true; again; ) {
    again = false;
    for (const block of lowered.blocks) {
      const here = before.get(block) ?? new Set<T>();
      // A jump out of the middle carries at most what the whole block does, but for a yield at its end.
      const after = through(block, here);
      const jumping = block.pieces.some((p) => p.effects.exits.length > 0)
        ? new Set([...here, ...through({ ...block, end: null }, here)])
        : after;
      const end = block.end === null ? [] : successors({ pieces: [], end: block.end });
      for (const to of successors(block)) {
        const there = before.get(to);
        if (there === undefined) continue;
        const size = there.size;
        for (const x of end.includes(to) ? after : jumping) there.add(x);
        for (const x of jumping)
          if (block.pieces.some((p) => p.effects.exits.includes(to))) there.add(x);
        if (there.size !== size) again = true;
      }
    }
  }
  return before;
}
