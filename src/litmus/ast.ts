/**
 * The abstract syntax of a litmus test: plain data, discriminated by `kind`, every node with the
 * span it was read from. Whatever the language offers is a node here; what a name means (variable,
 * constant, register) is found by check.ts and kept beside the tree, never inside it.
 */

/** Where a node stands: offsets into the text (end exclusive), and the start as line and column from 1. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;
}

// ---------------------------------------------------------------- types

/** Integer types keep the name they were written with (`unsigned long`, `__u8`) for the printer. */
export interface IntType {
  readonly kind: 'int';
  readonly name: string;
  /** Bytes, as on x86-64. */
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
}

export interface VoidType {
  readonly kind: 'void';
}

/** `struct page` or `struct folio`; only pointers to them exist. */
export interface StructType {
  readonly kind: 'struct';
  readonly tag: 'page' | 'folio';
}

export interface PointerType {
  readonly kind: 'pointer';
  readonly to: Type;
}

export interface ArrayType {
  readonly kind: 'array';
  readonly of: Type;
  readonly length: number;
}

export type Type = IntType | VoidType | StructType | PointerType | ArrayType;

// ---------------------------------------------------------------- expressions

/** An integer literal; `text` is its spelling (`0x10`, `'a'`), `value` a safe integer. */
export interface NumberExpr {
  readonly kind: 'number';
  readonly value: number;
  readonly text: string;
  readonly span: Span;
}

/** A string literal; only an argument of a call that wants a path or a name. */
export interface StringExpr {
  readonly kind: 'string';
  readonly value: string;
  readonly span: Span;
}

/** A variable, a register, a constant, or (as an argument) an event, a lock or a thread. */
export interface NameExpr {
  readonly kind: 'name';
  readonly name: string;
  readonly span: Span;
}

export type UnaryOp = '-' | '~' | '!' | '*' | '&';

export interface UnaryExpr {
  readonly kind: 'unary';
  readonly op: UnaryOp;
  readonly operand: Expr;
  readonly span: Span;
}

export type BinaryOp =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '&'
  | '|'
  | '^'
  | '<<'
  | '>>'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '&&'
  | '||';

export interface BinaryExpr {
  readonly kind: 'binary';
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
  readonly span: Span;
}

/** `test ? then : otherwise` */
export interface ConditionalExpr {
  readonly kind: 'conditional';
  readonly test: Expr;
  readonly consequent: Expr;
  readonly alternate: Expr;
  readonly span: Span;
}

export interface IndexExpr {
  readonly kind: 'index';
  readonly base: Expr;
  readonly index: Expr;
  readonly span: Span;
}

export interface CastExpr {
  readonly kind: 'cast';
  readonly type: Type;
  readonly operand: Expr;
  readonly span: Span;
}

/**
 * A call. The checker lets at most one stand in a statement, never below the lazy part of `&&`,
 * `||`, `?:` and never inside another call's arguments: so it may always run first, and the rest of
 * the expression after it.
 */
export interface CallExpr {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expr[];
  readonly span: Span;
}

export type Expr =
  | NumberExpr
  | StringExpr
  | NameExpr
  | UnaryExpr
  | BinaryExpr
  | ConditionalExpr
  | IndexExpr
  | CastExpr
  | CallExpr;

// ---------------------------------------------------------------- statements

/** Comments of an item, as written, delimiters included. */
export interface Commented {
  /** Before it (and those inside it that have no better place). */
  readonly comments: readonly string[];
  /** Behind it, on its last line. */
  readonly after: readonly string[];
  /** An empty line stands before it (and before its comments); never set on the first of a body. */
  readonly blank?: true;
}

/** `int x = 1;`, `struct page *pages[4];`: one declarator (several in one line become several statements). */
export interface DeclareStatement extends Commented {
  readonly kind: 'declare';
  readonly type: Type;
  readonly name: string;
  readonly init: Expr | null;
  readonly span: Span;
}

export type AssignOp = '=' | '+=' | '-=' | '*=' | '&=' | '|=' | '^=' | '<<=' | '>>=';

/** `i++` and `i += 1` are the same node. The target is a name, an index or a dereference. */
export interface AssignStatement extends Commented {
  readonly kind: 'assign';
  readonly target: Expr;
  readonly op: AssignOp;
  readonly value: Expr;
  readonly span: Span;
}

/** A call for its effect. */
export interface CallStatement extends Commented {
  readonly kind: 'call';
  readonly call: CallExpr;
  readonly span: Span;
}

export interface IfStatement extends Commented {
  readonly kind: 'if';
  readonly test: Expr;
  readonly consequent: Statement;
  readonly alternate: Statement | null;
  readonly span: Span;
}

export interface WhileStatement extends Commented {
  readonly kind: 'while';
  readonly test: Expr;
  readonly body: Statement;
  readonly span: Span;
}

/** Each part of the head may be missing; `continue` goes to `step`. */
export interface ForStatement extends Commented {
  readonly kind: 'for';
  readonly init: DeclareStatement | AssignStatement | null;
  readonly test: Expr | null;
  readonly step: AssignStatement | null;
  readonly body: Statement;
  readonly span: Span;
}

/** `{ ... }`; `trailing` are comments between the last statement and the closing brace. */
export interface BlockStatement extends Commented {
  readonly kind: 'block';
  readonly body: readonly Statement[];
  readonly trailing: readonly string[];
  readonly span: Span;
}

/** `kernel: statement` or `kernel: { ... }`: runs in kernel mode, in this thread's context. */
export interface KernelStatement extends Commented {
  readonly kind: 'kernel';
  readonly body: Statement;
  readonly span: Span;
}

export interface JumpStatement extends Commented {
  readonly kind: 'break' | 'continue' | 'return' | 'empty';
  readonly span: Span;
}

export type Statement =
  | DeclareStatement
  | AssignStatement
  | CallStatement
  | IfStatement
  | WhileStatement
  | ForStatement
  | BlockStatement
  | KernelStatement
  | JumpStatement;

// ---------------------------------------------------------------- conditions

/** `1` or `P1` (written `1:` in conditions), `K0`. */
export interface ThreadRef {
  readonly mode: 'P' | 'K';
  readonly index: number;
}

/** `1:r0`, `1:buf[0]`, `1:*p`, `0:buf + PAGE_SIZE`: an expression as that thread sees it at the end. */
export interface LocatedTerm {
  readonly kind: 'located';
  readonly thread: ThreadRef;
  readonly expr: Expr;
  readonly span: Span;
}

/** An expression of literals and constants: `2`, `-EFAULT`, `PAGE_SIZE + 1`. */
export interface ConstantTerm {
  readonly kind: 'constant';
  readonly expr: Expr;
  readonly span: Span;
}

/** `pinned(0:buf)`, `same_page(0:buf, 1:buf)`, `ref_count(0:pages[0])`: see queries.ts. */
export interface QueryTerm {
  readonly kind: 'query';
  readonly name: string;
  readonly args: readonly Term[];
  readonly span: Span;
}

/** `disk(fd)[0]`: a byte on the medium; `device(mr)[0]`: a byte of what a device holds. */
export interface ContentTerm {
  readonly kind: 'content';
  readonly of: 'disk' | 'device';
  /** A name of the initial block, or of a thread (`disk(0:fd)[0]`). */
  readonly thread: ThreadRef | null;
  readonly name: string;
  readonly index: Expr;
  readonly span: Span;
}

/** `nr_foll_pin_acquired`: a counter of the kernel, as /proc/vmstat names it. */
export interface CounterTerm {
  readonly kind: 'counter';
  readonly name: string;
  readonly span: Span;
}

export type Term = LocatedTerm | ConstantTerm | QueryTerm | ContentTerm | CounterTerm;

export type CompareOp = '=' | '!=' | '<' | '<=' | '>' | '>=';

export interface CompareProp {
  readonly kind: 'compare';
  readonly op: CompareOp;
  readonly left: Term;
  readonly right: Term;
  readonly span: Span;
}

/** A query that stands alone and is true when it is not 0: `pinned(0:buf)`. */
export interface HoldsProp {
  readonly kind: 'holds';
  readonly term: QueryTerm;
  readonly span: Span;
}

/** `/\` and `\/` keep all their operands in one node; brackets make a nested one. */
export interface JoinProp {
  readonly kind: 'and' | 'or';
  readonly terms: readonly Prop[];
  readonly span: Span;
}

export interface NotProp {
  readonly kind: 'not';
  readonly term: Prop;
  readonly span: Span;
}

export interface TruthProp {
  readonly kind: 'true' | 'false';
  readonly span: Span;
}

export type Prop = CompareProp | HoldsProp | JoinProp | NotProp | TruthProp;

export type Quantifier = 'exists' | '~exists' | 'forall';

export interface Condition extends Commented {
  readonly quantifier: Quantifier;
  readonly prop: Prop;
  readonly span: Span;
}

/** `filter (...)`: only final states where it holds are looked at. */
export interface Filter extends Commented {
  readonly prop: Prop;
  readonly span: Span;
}

/** `locations [0:r0; 1:buf[0];]`: shown in each state besides what the condition names. */
export interface Locations extends Commented {
  readonly terms: readonly Term[];
  readonly span: Span;
}

// ---------------------------------------------------------------- the file

export interface InitBlock extends Commented {
  readonly body: readonly Statement[];
  readonly trailing: readonly string[];
  readonly span: Span;
}

export interface Thread extends Commented {
  /** `P0`, `K0`: the name in `fork`, `wait` and messages. */
  readonly name: string;
  /** P: a thread of a process. K: a kernel context without an address space of its own. */
  readonly mode: 'P' | 'K';
  readonly index: number;
  readonly body: readonly Statement[];
  readonly trailing: readonly string[];
  readonly span: Span;
  /** The span of the name alone. */
  readonly nameSpan: Span;
}

export type Outcome = 'Never' | 'Sometimes' | 'Always' | 'Deadlock' | 'Bug' | 'Unsupported';

/** Versions are dotted numbers (`5.10`), compared number by number. See range.ts. */
export type Range =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'compare';
      readonly op: '<' | '<=' | '>' | '>=' | '=';
      readonly version: string;
    }
  /** `(5.9 .. 5.18)`, both ends included. */
  | { readonly kind: 'between'; readonly from: string; readonly to: string }
  /** `(debian-6.1.192)`: one profile by name; wins over the others. */
  | { readonly kind: 'profile'; readonly name: string };

/** One `Result:` line of a comment. */
export interface Expectation {
  readonly outcome: Outcome;
  readonly range: Range;
  readonly span: Span;
}

export interface LitmusTest {
  readonly file: string;
  readonly name: string;
  /** The optional string after the name. */
  readonly title: string | null;
  /** Comments before the first line. */
  readonly header: readonly string[];
  readonly init: InitBlock;
  /** In the order of the file. */
  readonly threads: readonly Thread[];
  readonly locations: Locations | null;
  readonly filter: Filter | null;
  readonly condition: Condition;
  /** Comments after the condition. */
  readonly footer: readonly string[];
  /** `Result:` lines of all comments, in the order of the file. */
  readonly expectations: readonly Expectation[];
  /** Names on `Design:` lines. */
  readonly designs: readonly string[];
  /** From the first token to the last. */
  readonly span: Span;
}

/** `P1`, `K0`. */
export const threadName = (t: ThreadRef): string => `${t.mode}${t.index}`;
