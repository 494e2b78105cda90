/** Straight pieces of a Steps function, and how control goes from one to the next. */
import type { Expression, Node } from './ast.ts';
import type { Routine } from './modules.ts';
import type { Local } from './scope.ts';

/** What a piece of code does to the function's locals. */
export interface Effects {
  readonly reads: Set<Local>;
  /** Certainly assigned, before any read that is not in `reads`. */
  readonly kills: Set<Local>;
  /** Possibly assigned. */
  readonly changes: Set<Local>;
  /** Blocks it may jump to. */
  readonly exits: Block[];
}

export type Value = Expression | 'true' | 'false';

export type Piece =
  /** Code as it is; `parent` is what it stands in. */
  | {
      readonly kind: 'code';
      readonly node: Node;
      readonly parent: Node | null;
      readonly effects: Effects;
    }
  /** A declaration or assignment of one local; null: declared without a value. */
  | {
      readonly kind: 'set';
      readonly local: Local;
      readonly value: Value | null;
      readonly effects: Effects;
    };

export type End =
  | { readonly kind: 'jump'; readonly to: Block; readonly effects: Effects }
  | {
      readonly kind: 'branch';
      readonly test: Expression;
      readonly yes: Block;
      readonly no: Block;
      readonly effects: Effects;
    }
  | {
      readonly kind: 'switch';
      readonly on: Expression;
      readonly arms: { readonly test: Expression; readonly to: Block }[];
      readonly otherwise: Block;
      readonly effects: Effects;
    }
  | { readonly kind: 'return'; readonly value: Value | null; readonly effects: Effects }
  | {
      readonly kind: 'yield';
      readonly access: Expression;
      readonly next: Block;
      readonly effects: Effects;
    }
  /** A call of a leaf: suspends at its access; what comes after calls its body. */
  | {
      readonly kind: 'leaf';
      readonly call: LeafCall;
      readonly next: Block;
      readonly effects: Effects;
    }
  | {
      readonly kind: 'call';
      readonly call: Call;
      readonly routine: Routine;
      readonly next: Block;
      readonly effects: Effects;
    };

export type Call = Extract<Node, { type: 'CallExpression' }>;

/** Arguments as they can be written on both sides of the suspension; a local holds what would change. */
export interface LeafCall {
  readonly callee: string;
  readonly routine: Routine;
  readonly args: readonly (Expression | Local)[];
}

export interface Block {
  readonly pieces: Piece[];
  end: End | null;
}

export interface Lowered {
  /** Reachable blocks, in order of the source; the first is the entry. */
  readonly blocks: Block[];
  /** Parameters but the first, and locals of scopes that contain a yield. */
  readonly tracked: Set<Local>;
  /** Constants that only name a field of the machine (`const rule = k.rules.x.y`): written out where they are used. */
  readonly aliases: Map<Local, Expression>;
  /** Targets of the break and continue statements that are left inside of code. */
  readonly jumps: Map<Node, Block>;
  /** The calls of leaves, by their `yield*`. */
  readonly leaves: Map<Node, LeafCall>;
}

export function none(): Effects {
  return { reads: new Set(), kills: new Set(), changes: new Set(), exits: [] };
}

/** Blocks that control may come to after `block`. */
export function successors(block: Block): Block[] {
  const exits = block.pieces.flatMap((p) => p.effects.exits);
  const { end } = block;
  switch (end?.kind) {
    case 'jump':
      return [...exits, end.to];
    case 'branch':
      return [...exits, end.yes, end.no];
    case 'switch':
      return [...exits, ...end.arms.map((a) => a.to), end.otherwise];
    case 'yield':
    case 'leaf':
    case 'call':
      return [...exits, end.next];
    default:
      return exits;
  }
}
