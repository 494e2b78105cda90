/** What the parts of the checker share: the tables they fill, and the scopes of names. */
import type { CallExpr, Expr, LitmusTest, NameExpr, Span, Type } from './ast.ts';
import { CALLS } from './calls.ts';
import type { Binding, ResolvedCall, VariableInfo } from './checked.ts';
import { CONSTANTS } from './constants.ts';
import type { Report } from './errors.ts';
import { formatType, sameType } from './types.ts';

export interface Variable extends VariableInfo {
  type: Type;
  addressTaken: boolean;
}

/** A name of an event, a barrier, a thread... where it was used, and by which body. */
export interface Use {
  readonly name: string;
  /** The thread's name; null in the initial block. */
  readonly by: string | null;
  readonly span: Span;
  readonly inLoop: boolean;
}

export interface Context {
  readonly test: LitmusTest;
  readonly report: Report;
  readonly globals: Map<string, Variable>;
  readonly types: Map<Expr, Type>;
  readonly bindings: Map<NameExpr, Binding>;
  readonly calls: Map<CallExpr, ResolvedCall>;
  /** Uses by the call that makes them: fork, wait, post, await, barrier, spin_lock. */
  readonly uses: Map<string, Use[]>;
}

/** The body being checked. */
export interface Body {
  readonly cx: Context;
  /** null: the initial block. */
  readonly thread: string | null;
  readonly mode: 'init' | 'P' | 'K';
  /** Locals and registers by name (for the initial block: the globals). */
  readonly variables: Map<string, Variable>;
  /** Names declared in the blocks around, innermost last. */
  readonly scopes: Set<string>[];
  /** What may have been assigned by now. */
  readonly assigned: Set<Variable>;
  kernel: boolean;
  loops: number;
}

/** Names nobody may declare or assign. */
const RESERVED: ReadonlySet<string> = new Set([
  'kernel',
  'exists',
  'forall',
  'filter',
  'locations',
  'disk',
  'device',
]);

/** Why nobody may declare or assign that name (`a call`), or null. */
export const reservedAs = (name: string): string | null => {
  if (CONSTANTS.has(name)) return 'a constant';
  if (CALLS.has(name)) return 'a call';
  if (/^[PK]\d+$/.test(name)) return 'the name of a thread';
  return RESERVED.has(name) ? 'a word of the language' : null;
};

/** Reports a name that is taken; true if it is free. */
export const isFree = (b: Body, name: string, span: Span): boolean => {
  const what = reservedAs(name);
  if (what !== null) b.cx.report('L046', span, `\`${name}\` is ${what}`);
  return what === null;
};

/** The variable a name means here, or undefined. */
export const lookup = (b: Body, name: string): Variable | undefined => {
  const own = b.variables.get(name);
  if (own !== undefined && (own.storage === 'register' || b.scopes.some((s) => s.has(name))))
    return own;
  return b.cx.globals.get(name);
};

/** Enters a declaration into the innermost scope; the same name in blocks side by side is one variable. */
export const declare = (b: Body, name: string, type: Type, span: Span): Variable => {
  const free = isFree(b, name, span);
  const existing = b.variables.get(name);
  const shadows = b.thread !== null && b.cx.globals.has(name);
  const taken = b.scopes.some((s) => s.has(name)) || existing?.storage === 'register' || shadows;
  if (free && taken)
    b.cx.report(
      'L045',
      span,
      shadows
        ? `\`${name}\` is a variable of the initial block already`
        : `\`${name}\` is declared already in this body`,
    );
  else if (free && existing !== undefined && !sameType(existing.type, type))
    b.cx.report(
      'L045',
      span,
      `\`${name}\` is a \`${formatType(existing.type)}\` in another block of this body`,
      'give it another name: a condition could not tell them apart',
    );
  b.scopes.at(-1)?.add(name);
  if (existing !== undefined) return existing;
  const variable: Variable = {
    name,
    storage: b.thread === null ? 'global' : 'local',
    thread: b.thread,
    type,
    addressTaken: false,
  };
  b.variables.set(name, variable);
  return variable;
};

/** All names a body might have meant. */
export const namesInReach = (b: Body): string[] => [
  ...b.variables.keys(),
  ...b.cx.globals.keys(),
  ...CONSTANTS.keys(),
];

/** Notes that a body named an event, a thread, a barrier by that call. */
export const noteUse = (b: Body, call: string, name: string, span: Span): void => {
  const list = b.cx.uses.get(call) ?? [];
  list.push({ name, by: b.thread, span, inLoop: b.loops > 0 });
  b.cx.uses.set(call, list);
};
