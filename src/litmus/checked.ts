/** What check.ts finds out about a test, beside the tree: maps are keyed by the node itself. */
import type { CallExpr, Expr, LitmusTest, NameExpr, Type } from './ast.ts';
import type { CallForm, CallSpec } from './calls.ts';

/**
 * A variable of the initial block, a local of a body, or a register (a name that a body assigns and
 * nobody declares). A variable of the initial block is one per process, copied at the fork; locals
 * and registers are one per thread. A name declared twice in nested blocks of one body is refused,
 * so that name and thread alone say which variable is meant.
 */
export interface VariableInfo {
  readonly name: string;
  readonly storage: 'global' | 'local' | 'register';
  /** Of the thread that owns it; null for storage 'global'. */
  readonly thread: string | null;
  readonly type: Type;
  /** `&x` is taken somewhere (only arguments that a call fills). */
  readonly addressTaken: boolean;
}

/** What a name in an expression stands for. */
export type Binding =
  | { readonly kind: 'constant'; readonly name: string; readonly value: number }
  | { readonly kind: 'variable'; readonly variable: VariableInfo };

export interface ResolvedCall {
  readonly spec: CallSpec;
  /** The form whose parameter count fits. */
  readonly form: CallForm;
  /** Written in kernel mode: in a Kn body or below `kernel:`. */
  readonly inKernel: boolean;
}

export interface ThreadInfo {
  readonly name: string;
  readonly mode: 'P' | 'K';
  readonly index: number;
  /** Locals and registers, in the order of first appearance. */
  readonly variables: readonly VariableInfo[];
  /** The thread that forks this one, or null: then it is a thread of process 0 (or a kernel context). */
  readonly forkedBy: string | null;
}

export interface CheckedTest {
  readonly test: LitmusTest;
  /** Variables of the initial block in order. */
  readonly globals: readonly VariableInfo[];
  /** In the order of the file. */
  readonly threads: readonly ThreadInfo[];
  /** Names of events, barriers and spin locks, sorted. */
  readonly events: readonly string[];
  readonly barriers: readonly string[];
  readonly locks: readonly string[];
  /** Type of every expression (arguments that are events, threads... have none). */
  readonly types: ReadonlyMap<Expr, Type>;
  /** Every name in an expression, in bodies, conditions, locations and filter. */
  readonly bindings: ReadonlyMap<NameExpr, Binding>;
  readonly calls: ReadonlyMap<CallExpr, ResolvedCall>;
  /** Names of all calls that appear, sorted: what a version must have to run the test. */
  readonly callNames: readonly string[];
}
