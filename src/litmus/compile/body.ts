/** Statements to instructions. */
import type {
  AssignStatement,
  BinaryExpr,
  CallExpr,
  DeclareStatement,
  Expr,
  Statement,
} from '../ast.ts';
import type { CheckedTest } from '../checked.ts';
import { CALL } from '../run/call-ids.ts';
import { type Eval, type Instruction, OP, RESULT } from '../run/program.ts';
import { getVar } from '../run/values.ts';
import { toInt } from './arithmetic.ts';
import {
  type Context,
  compileBinary,
  compileExpr,
  constant,
  elementOf,
  placeOf,
} from './expression.ts';
import { isPageArray, type Layout } from './layout.ts';

const CALL_IDS: ReadonlyMap<string, number> = new Map(Object.entries(CALL));

/** Whether the model has the call. */
export const isModelled = (name: string): boolean => CALL_IDS.has(name);

interface Loop {
  readonly breaks: number[];
  readonly continues: number[];
}

/** Compiles the bodies of one test into one list of instructions. */
export class BodyCompiler {
  readonly code: Instruction[] = [];
  readonly #checked: CheckedTest;
  readonly #layout: Layout;
  /** Names of globals that some body assigns: reading and writing them are steps. */
  readonly #shared: ReadonlySet<string>;
  #context: Context;
  #loops: Loop[] = [];
  /** Temporaries filled since the last instruction that was not such a filling: what the next one uses. */
  #temporaries: number[] = [];
  /** The last of them that a load or a shared variable filled. */
  #lastFill: { readonly at: number; readonly read: Eval } | null = null;
  #returns: number[] = [];
  /** Variables read by the statement so far. */
  readonly #reads = new Set<number>();
  /** Variables whose number was given away: a call may read or fill them. */
  readonly escaped = new Set<number>();

  constructor(checked: CheckedTest, layout: Layout) {
    this.#checked = checked;
    this.#layout = layout;
    this.#shared = assignedGlobals(checked);
    this.#context = this.#contextFor(-1);
  }

  /** The body of thread `thread` (-1: the initial block); its first instruction. */
  body(thread: number, statements: readonly Statement[]): number {
    this.#context = this.#contextFor(thread);
    this.#returns = [];
    const entry = this.code.length;
    for (const s of statements) this.#statement(s);
    for (const at of this.#returns) this.#patch(at);
    this.#emit({ op: OP.end });
    return entry;
  }

  #contextFor(thread: number): Context {
    return {
      checked: this.#checked,
      layout: this.#layout,
      thread,
      reads: (index) => this.#reads.add(index),
      escapes: (index) => this.escaped.add(index),
      effects: {
        load: (address, size, signed, line) => {
          const dst = this.#temporary();
          return this.#filled(
            this.#emit({ op: OP.load, dst, args: [address], size, signed, line }),
          );
        },
        call: (call) => {
          const dst = this.#temporary();
          this.#call(call, { dst });
          return (k) => getVar(k, dst);
        },
        choose: (test, yes, no, line) => {
          const dst = this.#temporary();
          const skip = this.#jump({ op: OP.jumpUnless, args: [test], line });
          this.#emit({ op: OP.assign, dst, args: [yes()], line });
          const end = this.#jump({ op: OP.jump, line });
          this.#patch(skip);
          this.#emit({ op: OP.assign, dst, args: [no()], line });
          this.#patch(end);
          return (k) => getVar(k, dst);
        },
        shared: (place, read, line) => {
          if (thread < 0 || place.kind !== 'var' || !this.#isShared(place.index)) return read;
          const dst = this.#temporary();
          return this.#filled(
            this.#emit({ op: OP.shared, dst, args: [read], target: place.index, line }),
          );
        },
      },
    };
  }

  /** Variables of a process that some body assigns, by their place among its `globals`. */
  get assigned(): number[] {
    const places = Array.from({ length: this.#layout.globals }, (_, at) => at);
    return places.filter((at) => this.#isShared(at));
  }

  #isShared(index: number): boolean {
    const { globals, processes } = this.#layout;
    if (index >= globals * processes || globals === 0) return false;
    const at = index % globals;
    return this.#checked.globals.some((g) => {
      if (!this.#shared.has(g.name)) return false;
      const place = this.#layout.place(g, 0);
      return place.kind === 'var' && place.index % globals === at;
    });
  }

  #temporary(): number {
    const index = this.#layout.temporary(this.#context.thread);
    this.#temporaries.push(index);
    return index;
  }

  /** Reads the temporary that the instruction at `at` fills. */
  #filled(at: number): Eval {
    const dst = this.code[at]?.dst ?? -1;
    const read: Eval = (k) => getVar(k, dst);
    this.#lastFill = { at, read };
    return read;
  }

  #emit(parts: Partial<Instruction> & Pick<Instruction, 'op'>): number {
    const fills = parts.dst !== undefined && this.#temporaries.includes(parts.dst);
    const drops = fills ? [] : this.#temporaries;
    if (!fills) this.#temporaries = [];
    this.code.push({
      dst: -1,
      drops,
      reads: [...this.#reads],
      forgets: [],
      dstKmem: null,
      dstElement: null,
      args: [],
      call: 0,
      result: RESULT.value,
      size: 0,
      signed: false,
      target: 0,
      line: 0,
      ...parts,
    });
    return this.code.length - 1;
  }

  /** A jump inside of an expression: what was found of it so far is still needed. */
  #jump(parts: Partial<Instruction> & Pick<Instruction, 'op'>): number {
    const kept = this.#temporaries;
    this.#temporaries = [];
    const at = this.#emit(parts);
    this.#temporaries = kept;
    return at;
  }

  /** Makes the jump at `at` go to the next instruction. */
  #patch(at: number, target = this.code.length): void {
    const jump = this.code[at];
    if (jump !== undefined) this.code[at] = { ...jump, target };
  }

  #statement(s: Statement): void {
    this.#reads.clear();
    switch (s.kind) {
      case 'declare':
        this.#declare(s);
        return;
      case 'assign':
        this.#assign(s);
        return;
      case 'call':
        this.#call(s.call, {});
        return;
      case 'block':
        for (const inner of s.body) this.#statement(inner);
        return;
      case 'kernel':
        this.#statement(s.body);
        return;
      case 'if': {
        const test = compileExpr(this.#context, s.test);
        const skip = this.#emit({ op: OP.jumpUnless, args: [test], line: s.span.line });
        this.#statement(s.consequent);
        if (s.alternate === null) {
          this.#patch(skip);
          return;
        }
        const end = this.#emit({ op: OP.jump });
        this.#patch(skip);
        this.#statement(s.alternate);
        this.#patch(end);
        return;
      }
      case 'while':
        this.#loop(s.test, s.body, null, s.span.line);
        return;
      case 'for':
        if (s.init !== null) this.#statement(s.init);
        this.#loop(s.test, s.body, s.step, s.span.line);
        return;
      case 'break':
        this.#loops.at(-1)?.breaks.push(this.#emit({ op: OP.jump }));
        return;
      case 'continue':
        this.#loops.at(-1)?.continues.push(this.#emit({ op: OP.jump }));
        return;
      case 'return':
        this.#returns.push(this.#emit({ op: OP.jump }));
        return;
      case 'empty':
        return;
    }
  }

  #loop(test: Expr | null, body: Statement, step: AssignStatement | null, line: number): void {
    const top = this.code.length;
    const loop: Loop = { breaks: [], continues: [] };
    const exit =
      test === null
        ? -1
        : this.#emit({ op: OP.jumpUnless, args: [compileExpr(this.#context, test)], line });
    // Loads of the test are emitted before its jump: the loop goes back to them.
    this.#loops.push(loop);
    this.#statement(body);
    this.#loops.pop();
    for (const at of loop.continues) this.#patch(at);
    if (step !== null) this.#statement(step);
    this.#emit({ op: OP.jump, target: top, line });
    if (exit >= 0) this.#patch(exit);
    for (const at of loop.breaks) this.#patch(at);
  }

  #declare(s: DeclareStatement): void {
    if (s.init === null) return;
    const variable = this.#variable(s.name);
    if (variable === undefined) return;
    const place = this.#layout.place(variable, Math.max(0, this.#context.thread));
    if (place.kind === 'kmem') return;
    if (s.init.kind === 'call' && s.type.kind === 'array') {
      this.#call(s.init, { args: [constant(place.index)] });
      return;
    }
    this.#assignVar(place.index, s.type, s.init, s.span.line, false);
  }

  #variable(name: string) {
    const { globals, threads } = this.#checked;
    const own = threads[this.#context.thread]?.variables.find((v) => v.name === name);
    return own ?? globals.find((g) => g.name === name);
  }

  #assignVar(
    index: number,
    type: { readonly kind: string },
    value: Expr,
    line: number,
    shared: boolean,
  ): void {
    if (value.kind === 'call' && !shared) {
      this.#call(value, { dst: index });
      return;
    }
    const raw = compileExpr(this.#context, value);
    const narrowed = narrow(raw, type);
    const fill = this.#lastFill;
    const last = this.code.at(-1);
    if (!shared && last !== undefined && narrowed === fill?.read) {
      // `r0 = x;` as a whole: the variable itself is filled.
      this.code[fill.at] = { ...last, dst: index };
      this.#temporaries.pop();
      return;
    }
    this.#emit({
      op: shared ? OP.shared : OP.assign,
      dst: index,
      args: [narrowed],
      target: index,
      line,
    });
  }

  #assign(s: AssignStatement): void {
    const { target, line } = { target: s.target, line: s.span.line };
    const type = this.#checked.types.get(target) ?? { kind: 'int' };
    if (target.kind === 'name') {
      const place = placeOf(this.#context, target);
      if (place === undefined || place.kind === 'kmem')
        throw new RangeError(`cannot assign ${target.name}`);
      const shared = this.#context.thread >= 0 && this.#isShared(place.index);
      if (s.op === '=') {
        this.#assignVar(place.index, type, s.value, line, shared);
        return;
      }
      const old = compileExpr(this.#context, target);
      this.#emit({
        op: shared ? OP.shared : OP.assign,
        dst: place.index,
        args: [narrow(this.#combined(s, old), type)],
        target: place.index,
        line,
      });
      return;
    }
    const baseType = target.kind === 'index' ? this.#checked.types.get(target.base) : undefined;
    if (target.kind === 'index' && baseType?.kind === 'array') {
      const element = elementOf(this.#context, target);
      const old = s.op === '=' ? constant(0) : compileExpr(this.#context, target);
      const args = [narrow(this.#combined(s, old), type)];
      if (isPageArray(baseType)) this.#emit({ op: OP.assign, dstKmem: element, args, line });
      else this.#emit({ op: OP.assign, dstElement: element, args, line });
      return;
    }
    const value = compileExpr(this.#context, s.value);
    const address =
      target.kind === 'index'
        ? elementOf(this.#context, target)
        : compileExpr(this.#context, pointerOf(target));
    const size = type.kind === 'int' && 'size' in type ? Number(type.size) : 1;
    const signed = type.kind === 'int' && 'signed' in type ? Boolean(type.signed) : false;
    let stored: Eval = value;
    if (s.op !== '=') {
      const dst = this.#temporary();
      this.#emit({ op: OP.load, dst, args: [address], size, signed, line });
      stored = this.#combined(s, (k) => getVar(k, dst), value);
    }
    this.#emit({ op: OP.store, args: [address, stored], size, signed, line });
  }

  /** What an assignment stores where `old` is: the value, or `old op value`. */
  #combined(s: AssignStatement, old: Eval, value = compileExpr(this.#context, s.value)): Eval {
    if (s.op === '=') return value;
    const { types } = this.#checked;
    return compileBinary(
      s.op.slice(0, -1) as BinaryExpr['op'],
      { value: old, type: types.get(s.target) },
      { value, type: types.get(s.value) },
      s.span.line,
    );
  }

  #call(call: CallExpr, parts: { readonly dst?: number; readonly args?: readonly Eval[] }): void {
    const resolved = this.#checked.calls.get(call);
    const params = resolved?.form.params ?? [];
    const args = parts.args ?? call.args.map((a, i) => this.#argument(a, params[i]?.type ?? 'int'));
    this.#emit({
      op: OP.call,
      call: CALL_IDS.get(call.name) ?? 0,
      args,
      dst: parts.dst ?? -1,
      result: resolved?.form.returns === 'pointer' ? RESULT.address : RESULT.value,
      line: call.span.line,
    });
  }

  #argument(a: Expr, type: string): Eval {
    // No offset: where the descriptor stands.
    if (type === 'offset' && a.kind === 'name' && a.name === 'NULL') return constant(-1);
    if (a.kind === 'name') {
      const { threads, events, barriers, locks } = this.#checked;
      if (type === 'thread') return constant(threads.findIndex((t) => t.name === a.name));
      if (type === 'event') return constant(events.indexOf(a.name));
      if (type === 'barrier') return constant(barriers.indexOf(a.name));
      if (type === 'lock') return constant(locks.indexOf(a.name));
    }
    return compileExpr(this.#context, a);
  }
}

const narrow = (value: Eval, type: { readonly kind: string }): Eval => {
  if (type.kind !== 'int' || !('size' in type) || type.size === 8) return value;
  const int = type as Parameters<typeof toInt>[1];
  return (k) => toInt(value(k), int);
};

const pointerOf = (target: Expr): Expr => {
  if (target.kind === 'unary' && target.op === '*') return target.operand;
  if (target.kind === 'cast') return pointerOf(target.operand);
  throw new RangeError('cannot assign to this');
};

/** Globals that the body of some thread assigns. */
const assignedGlobals = (checked: CheckedTest): Set<string> => {
  const found = new Set<string>();
  const visit = (s: Statement, locals: ReadonlySet<string>): void => {
    if (s.kind === 'assign' && s.target.kind === 'name' && !locals.has(s.target.name))
      found.add(s.target.name);
    if (s.kind === 'block') for (const inner of s.body) visit(inner, locals);
    if (s.kind === 'kernel' || s.kind === 'while' || s.kind === 'for') visit(s.body, locals);
    if (s.kind === 'for' && s.init !== null) visit(s.init, locals);
    if (s.kind === 'for' && s.step !== null) visit(s.step, locals);
    if (s.kind === 'if') {
      visit(s.consequent, locals);
      if (s.alternate !== null) visit(s.alternate, locals);
    }
  };
  checked.test.threads.forEach((thread, i) => {
    const locals = new Set(checked.threads[i]?.variables.map((v) => v.name));
    for (const s of thread.body) visit(s, locals);
  });
  return found;
};
