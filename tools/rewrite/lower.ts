/**
 * A Steps function as blocks of straight code: every yield and every call of a Steps function ends a block, so that
 * each place where the function can be left and entered again is the start of one. Statements without
 * a yield stay whole.
 */
import { bare, type Expression, evaluated, type Node, Refusal, type Source, walk } from './ast.ts';
import {
  type Block,
  type Call,
  type Effects,
  type End,
  type LeafCall,
  type Lowered,
  none,
  successors,
  type Value,
} from './blocks.ts';
import { isBoolean } from './booleans.ts';
import { isLeaf } from './leaf.ts';
import type { Module, Modules, Routine } from './modules.ts';
import type { Local, Names } from './scope.ts';
import { delegateOf } from './subset.ts';

interface Around {
  readonly breakTo: Block | null;
  readonly continueTo: Block | null;
}

/** Nodes under `body`, itself included, that contain a yield. */
function yielding(body: Node): Set<Node> {
  const found = new Set<Node>();
  const visit = (node: Node, above: Node[]): void => {
    if (node.type === 'YieldExpression') for (const a of [...above, node]) found.add(a);
    walk(node, (inner) => {
      if (inner === node) return undefined;
      visit(inner, [...above, node]);
      return false;
    });
  };
  visit(body, []);
  return found;
}

export function lower(modules: Modules, module: Module, names: Names, routine: Routine): Lowered {
  return new Lowering(modules, module, names, routine).run();
}

class Lowering {
  readonly #modules: Modules;
  readonly #module: Module;
  readonly #source: Source;
  readonly #names: Names;
  readonly #routine: Routine;
  readonly #yielding: Set<Node>;
  readonly #tracked = new Set<Local>();
  readonly #aliases = new Map<Local, Expression>();
  readonly #jumps = new Map<Node, Block>();
  readonly #calls = new Map<Node, Routine>();
  readonly #leaves = new Map<Node, LeafCall>();
  readonly #order: Block[] = [];
  #block: Block = { pieces: [], end: null };

  constructor(modules: Modules, module: Module, names: Names, routine: Routine) {
    this.#modules = modules;
    this.#module = module;
    this.#source = module.source;
    this.#names = names;
    this.#routine = routine;
    this.#yielding = yielding(routine.node);
  }

  run(): Lowered {
    const { node } = this.#routine;
    this.#refuseUnsupported();
    const machine = node.params[0];
    for (const local of new Set(this.#names.values())) {
      if (local.declared === machine || !this.#yielding.has(local.scope)) continue;
      if (local.scope.start < node.start || local.scope.end > node.end) continue;
      if (local.kind === 'other')
        throw this.#refusal(
          local.declared,
          'a pattern beside a yield',
          'declare one name at a time',
        );
      if (local.kind === 'const' && local.init !== null && this.#isField(evaluated(local.init)))
        this.#aliases.set(local, local.init);
      else this.#tracked.add(local);
    }
    this.#start(this.#block);
    this.#statements(node.body?.body ?? [], { breakTo: null, continueTo: null });
    this.#finish({ kind: 'return', value: null, effects: none() });
    return {
      blocks: this.#reachable(),
      tracked: this.#tracked,
      aliases: this.#aliases,
      jumps: this.#jumps,
      leaves: this.#leaves,
    };
  }

  /** k.a.b: nothing but state in arrays ever changes, so it is the same wherever it is read. */
  #isField(e: Expression): boolean {
    if (e.type !== 'MemberExpression' || e.computed) return false;
    const object = evaluated(e.object);
    if (object.type === 'Identifier')
      return this.#names.get(object)?.declared === this.#routine.node.params[0];
    return this.#isField(object);
  }

  #refuseUnsupported(): void {
    const { node } = this.#routine;
    if (node.typeParameters != null)
      throw this.#refusal(
        node.typeParameters,
        'a generic Steps function',
        'parameters are numbers and booleans',
      );
    walk(node, (inner) => {
      if (
        inner !== node &&
        (inner.type === 'FunctionExpression' ||
          inner.type === 'ArrowFunctionExpression' ||
          inner.type === 'FunctionDeclaration')
      ) {
        throw this.#refusal(
          inner,
          'a function inside a Steps function',
          'make it a function of the module',
        );
      }
      if (inner.type === 'YieldExpression' && inner.delegate)
        this.#calls.set(inner, delegateOf(this.#modules, this.#module, inner));
      return undefined;
    });
  }

  #refusal(node: Node, what: string, advice: string): Refusal {
    return new Refusal(this.#source, node.start, what, advice);
  }

  // Blocks

  #newBlock(): Block {
    return { pieces: [], end: null };
  }

  #start(block: Block): void {
    this.#block = block;
    this.#order.push(block);
  }

  /** Ends the current block; what follows without a `#start` can't be reached. */
  #finish(end: End): void {
    if (this.#block.end === null) this.#block.end = end;
  }

  #jump(to: Block): void {
    this.#finish({ kind: 'jump', to, effects: none() });
  }

  #reachable(): Block[] {
    const seen = new Set<Block>();
    const visit = (block: Block): void => {
      if (seen.has(block)) return;
      seen.add(block);
      for (const to of successors(block)) visit(to);
    };
    const first = this.#order[0];
    if (first !== undefined) visit(first);
    return this.#order.filter((b) => seen.has(b));
  }

  // Statements

  #statements(nodes: readonly Node[], around: Around): void {
    for (const node of nodes) this.#statement(node, around);
  }

  #statement(node: Node, around: Around): void {
    if (!this.#yielding.has(node)) {
      this.#plain(node, around);
      return;
    }
    switch (node.type) {
      case 'BlockStatement':
        this.#statements(node.body, around);
        return;
      case 'ExpressionStatement':
        this.#expressionStatement(node);
        return;
      case 'VariableDeclaration':
        for (const d of node.declarations) this.#declarator(d);
        return;
      case 'ReturnStatement':
        if (node.argument !== null) {
          this.#into(
            node.argument,
            (value) => this.#finish({ kind: 'return', value, effects: this.#effects(value) }),
            this.#routine.result === 'boolean',
          );
        }
        return;
      case 'IfStatement':
        this.#if(node, around);
        return;
      case 'WhileStatement':
        this.#loop(null, node.test, null, node.body, node);
        return;
      case 'DoWhileStatement':
        this.#doWhile(node);
        return;
      case 'ForStatement':
        this.#loop(node.init, node.test, node.update, node.body, node);
        return;
      case 'SwitchStatement':
        this.#switch(node, around);
        return;
      case 'ForOfStatement':
      case 'ForInStatement':
        throw this.#refusal(
          node,
          'for...of around a yield',
          'count with a number: for (let i = 0; ...)',
        );
      case 'TryStatement':
        throw this.#refusal(node, 'try around a yield', 'return an error number');
      case 'LabeledStatement':
        throw this.#refusal(
          node,
          'a label around a yield',
          'make the inner loop a function of its own',
        );
      default:
        throw this.#refusal(
          node,
          `a yield inside ${node.type}`,
          'see the accepted statements in tools/rewrite/README.md',
        );
    }
  }

  /** A statement without a yield. */
  #plain(node: Node, around: Around): void {
    switch (node.type) {
      case 'VariableDeclaration':
        for (const d of node.declarations) this.#declarator(d);
        return;
      case 'ReturnStatement':
        this.#finish({
          kind: 'return',
          value: node.argument,
          effects: node.argument === null ? none() : this.#effects(node.argument),
        });
        return;
      case 'BreakStatement':
        if (around.breakTo !== null) this.#jump(around.breakTo);
        return;
      case 'ContinueStatement':
        if (around.continueTo !== null) this.#jump(around.continueTo);
        return;
      case 'EmptyStatement':
        return;
      default: {
        const effects = this.#effects(node);
        this.#bindJumps(node, around, effects);
        this.#code(node, null, effects);
      }
    }
  }

  #code(node: Node, parent: Node | null, effects: Effects): void {
    if (this.#block.end === null) this.#block.pieces.push({ kind: 'code', node, parent, effects });
  }

  /** Finds the break and continue statements inside `node` that leave it. */
  #bindJumps(node: Node, around: Around, effects: Effects): void {
    const visit = (inner: Node, loop: boolean, breakable: boolean): void => {
      const target =
        inner.type === 'BreakStatement' && inner.label === null && !breakable
          ? around.breakTo
          : inner.type === 'ContinueStatement' && inner.label === null && !loop
            ? around.continueTo
            : null;
      if (target !== null) {
        this.#jumps.set(inner, target);
        effects.exits.push(target);
      }
      const isLoop = /^(For|While|DoWhile)/.test(inner.type);
      walk(inner, (child) => {
        if (child === inner) return undefined;
        visit(child, loop || isLoop, breakable || isLoop || inner.type === 'SwitchStatement');
        return false;
      });
    };
    visit(node, false, false);
  }

  #declarator(d: Extract<Node, { type: 'VariableDeclarator' }>): void {
    const local = this.#names.get(d.id);
    if (d.id.type !== 'Identifier' || local === undefined)
      throw this.#refusal(d, 'a pattern beside a yield', 'declare one name at a time');
    if (this.#aliases.has(local)) return;
    if (d.init === null) {
      this.#set(local, null);
      return;
    }
    this.#into(d.init, (value) => this.#set(local, value), this.#isBoolean(d.init));
  }

  #set(local: Local, value: Value | null): void {
    const effects = value === null ? none() : this.#effects(value);
    effects.kills.add(local);
    if (value !== null) effects.changes.add(local);
    if (this.#block.end === null) this.#block.pieces.push({ kind: 'set', local, value, effects });
  }

  #expressionStatement(node: Extract<Node, { type: 'ExpressionStatement' }>): void {
    const e = bare(node.expression);
    if (e.type === 'YieldExpression' && !e.delegate && e.argument !== null) {
      const next = this.#newBlock();
      this.#finish({ kind: 'yield', access: e.argument, next, effects: this.#effects(e.argument) });
      this.#start(next);
    } else if (e.type === 'YieldExpression') {
      this.#callOf(e);
      if (this.#leaves.has(e)) this.#code(node, null, this.#effects(node));
    } else if (e.type === 'AssignmentExpression') {
      this.#assignment(node, e);
    } else {
      throw this.#refusal(
        node,
        'a yield inside this expression',
        'put its result in a const first',
      );
    }
  }

  #assignment(node: Node, e: Extract<Node, { type: 'AssignmentExpression' }>): void {
    const local = e.left.type === 'Identifier' ? this.#names.get(e.left) : undefined;
    if (local !== undefined && this.#tracked.has(local) && e.operator === '=') {
      this.#into(e.right, (value) => this.#set(local, value), this.#isBoolean(e.right));
      return;
    }
    if (['&&=', '||=', '??='].includes(e.operator))
      throw this.#refusal(e, `${e.operator} with a yield`, 'write an if');
    if (local === undefined && e.operator !== '=') {
      throw this.#refusal(
        e,
        'a yield in a write that also reads its target',
        'put its result in a const first',
      );
    }
    this.#hoist(e);
    this.#code(node, null, this.#effects(node));
  }

  #if(node: Extract<Node, { type: 'IfStatement' }>, around: Around): void {
    const yes = this.#newBlock();
    const after = this.#newBlock();
    const no = node.alternate === null ? after : this.#newBlock();
    this.#condition(node.test, yes, no);
    this.#start(yes);
    this.#statement(node.consequent, around);
    this.#jump(after);
    if (node.alternate !== null) {
      this.#start(no);
      this.#statement(node.alternate, around);
      this.#jump(after);
    }
    this.#start(after);
  }

  #loop(
    init: Node | null,
    test: Expression | null,
    update: Expression | null,
    body: Node,
    whole: Node,
  ): void {
    if (init?.type === 'VariableDeclaration')
      for (const d of init.declarations) this.#declarator(d);
    else if (init !== null) this.#yieldFree(init, whole);
    const head = this.#newBlock();
    const inside = this.#newBlock();
    const after = this.#newBlock();
    const again = update === null ? head : this.#newBlock();
    this.#jump(head);
    this.#start(head);
    if (test === null) this.#jump(inside);
    else this.#condition(test, inside, after);
    this.#start(inside);
    this.#statement(body, { breakTo: after, continueTo: again });
    this.#jump(again);
    if (update !== null) {
      this.#start(again);
      this.#yieldFree(update, whole);
      this.#jump(head);
    }
    this.#start(after);
  }

  #yieldFree(e: Node, parent: Node): void {
    if (this.#yielding.has(e))
      throw this.#refusal(e, 'a yield in the head of a for', 'move it into the body');
    this.#code(e, parent, this.#effects(e));
  }

  #doWhile(node: Extract<Node, { type: 'DoWhileStatement' }>): void {
    const head = this.#newBlock();
    const test = this.#newBlock();
    const after = this.#newBlock();
    this.#jump(head);
    this.#start(head);
    this.#statement(node.body, { breakTo: after, continueTo: test });
    this.#jump(test);
    this.#start(test);
    this.#condition(node.test, head, after);
    this.#start(after);
  }

  #switch(node: Extract<Node, { type: 'SwitchStatement' }>, around: Around): void {
    const after = this.#newBlock();
    const bodies = node.cases.map(() => this.#newBlock());
    const arms: { test: Expression; to: Block }[] = [];
    let otherwise = after;
    if (this.#yielding.has(node.discriminant)) this.#hoist(node.discriminant);
    const effects = this.#effects(node.discriminant);
    node.cases.forEach((c, i) => {
      const to = bodies[i] ?? after;
      if (c.test === null) {
        otherwise = to;
        return;
      }
      if (this.#yielding.has(c.test))
        throw this.#refusal(c.test, 'a yield in a case', 'put its result in a const first');
      for (const local of this.#effects(c.test).reads) effects.reads.add(local);
      arms.push({ test: c.test, to });
    });
    this.#finish({ kind: 'switch', on: node.discriminant, arms, otherwise, effects });
    node.cases.forEach((c, i) => {
      this.#start(bodies[i] ?? after);
      this.#statements(c.consequent, { breakTo: after, continueTo: around.continueTo });
      this.#jump(bodies[i + 1] ?? after);
    });
    this.#start(after);
  }

  // Expressions with a yield

  /** Evaluates `e` as a test. */
  #condition(e: Expression, yes: Block, no: Block): void {
    const test = bare(e);
    if (this.#yielding.has(test)) {
      if (test.type === 'UnaryExpression' && test.operator === '!') {
        this.#condition(test.argument, no, yes);
        return;
      }
      if (test.type === 'LogicalExpression' && test.operator !== '??') {
        const right = this.#newBlock();
        if (test.operator === '&&') this.#condition(test.left, right, no);
        else this.#condition(test.left, yes, right);
        this.#start(right);
        this.#condition(test.right, yes, no);
        return;
      }
      this.#hoist(test);
    }
    this.#finish({ kind: 'branch', test, yes, no, effects: this.#effects(test) });
  }

  /** Evaluates `e` and hands it to `use`, in one block or (of alternatives) in several. */
  #into(e: Expression, use: (value: Value) => void, boolean: boolean): void {
    const value = bare(e);
    if (!this.#yielding.has(value)) {
      use(value);
      return;
    }
    const after = this.#newBlock();
    const alternatives = (test: Expression, yes: () => void, no: () => void): void => {
      const [y, n] = [this.#newBlock(), this.#newBlock()];
      this.#condition(test, y, n);
      this.#start(y);
      yes();
      this.#jump(after);
      this.#start(n);
      no();
      this.#jump(after);
      this.#start(after);
    };
    if (value.type === 'ConditionalExpression') {
      const { test, consequent, alternate } = value;
      alternatives(
        test,
        () => this.#into(consequent, use, boolean),
        () => this.#into(alternate, use, boolean),
      );
    } else if (
      value.type === 'LogicalExpression' ||
      (value.type === 'UnaryExpression' && value.operator === '!')
    ) {
      if (!this.#allBoolean(value)) {
        throw this.#refusal(
          value,
          `${value.operator} of operands that are not all booleans`,
          'compare the numbers: (yield* f(k)) !== 0',
        );
      }
      alternatives(
        value,
        () => use('true'),
        () => use('false'),
      );
    } else {
      this.#hoist(value);
      use(value);
    }
  }

  /**
   * Runs the one `yield*` inside `e` ahead of the rest of `e`; nothing that is evaluated before it in `e` may
   * depend on the state.
   */
  #hoist(e: Expression): void {
    const inside: Extract<Node, { type: 'YieldExpression' }>[] = [];
    walk(e, (node, parent) => {
      if (node.type === 'YieldExpression') {
        inside.push(node);
        return false;
      }
      if (this.#yielding.has(node) && node !== e && parent !== null && isConditional(node)) {
        throw this.#refusal(
          node,
          'a yield that is evaluated only sometimes inside a larger expression',
          'put it in a const of its own first',
        );
      }
      return undefined;
    });
    const [call, second] = inside;
    if (call === undefined) return;
    if (isConditional(e))
      throw this.#refusal(e, 'a yield that is evaluated only sometimes', 'write an if');
    if (second !== undefined)
      throw this.#refusal(second, 'two calls in one expression', 'put the first in a const');
    if (!call.delegate)
      throw this.#refusal(
        call,
        'yield inside an expression',
        'a step announces its access in a statement of its own',
      );
    // The element that is assigned is not read, but what names it is.
    const target = e.type === 'AssignmentExpression' ? e.left : null;
    walk(e, (node) => {
      if (node === target) return undefined;
      if (node.start >= call.start) return false;
      if (node.end > call.start) return undefined;
      const reads =
        (node.type === 'MemberExpression' && node.computed) ||
        node.type === 'CallExpression' ||
        node.type === 'NewExpression';
      if (reads)
        throw this.#refusal(
          node,
          'state is read before the call in the same expression',
          'put the result of the call in a const first',
        );
      return undefined;
    });
    this.#callOf(call);
  }

  #callOf(node: Extract<Node, { type: 'YieldExpression' }>): void {
    const routine = this.#calls.get(node);
    const call = node.argument;
    if (routine === undefined || call?.type !== 'CallExpression')
      throw this.#refusal(
        node,
        'yield inside an expression',
        'a step announces its access in a statement of its own',
      );
    const next = this.#newBlock();
    if (isLeaf(routine)) {
      const leaf = this.#leafCall(call, routine);
      this.#leaves.set(node, leaf);
      this.#finish({ kind: 'leaf', call: leaf, next, effects: this.#effects(node) });
      this.#start(next);
      return;
    }
    this.#finish({ kind: 'call', call, routine, next, effects: this.#effects(call) });
    this.#start(next);
  }

  #leafCall(call: Call, routine: Routine): LeafCall {
    const args = call.arguments.map((argument, i): Expression | Local => {
      const value = argument as Expression;
      if (i === 0 || this.#isStable(value)) return value;
      const param = routine.node.params[i];
      const annotation =
        param?.type === 'Identifier' ? (param.typeAnnotation?.typeAnnotation ?? null) : null;
      const name = param?.type === 'Identifier' ? param.name : 'argument';
      const local: Local = {
        name: `${name}$`,
        kind: 'let',
        scope: this.#routine.node,
        declared: value,
        init: null,
        annotation,
      };
      this.#tracked.add(local);
      this.#set(local, value);
      return local;
    });
    return { callee: call.callee.type === 'Identifier' ? call.callee.name : '', routine, args };
  }

  /** Whether `e` has the same value after a suspension: made of literals, locals, constants, and fields that are no state. */
  #isStable(e: Expression): boolean {
    switch (e.type) {
      case 'Literal':
      case 'Identifier':
        return true;
      case 'ParenthesizedExpression':
      case 'TSAsExpression':
      case 'TSNonNullExpression':
        return this.#isStable(e.expression);
      case 'MemberExpression':
        return !e.computed && this.#isStable(e.object as Expression);
      case 'UnaryExpression':
        return this.#isStable(e.argument);
      case 'BinaryExpression':
        return this.#isStable(e.left as Expression) && this.#isStable(e.right);
      case 'LogicalExpression':
        return this.#isStable(e.left) && this.#isStable(e.right);
      case 'ConditionalExpression':
        return (
          this.#isStable(e.test) && this.#isStable(e.consequent) && this.#isStable(e.alternate)
        );
      default:
        return false;
    }
  }

  #leafEffects(leaf: LeafCall, effects: Effects): void {
    for (const argument of leaf.args) {
      if ('scope' in argument) effects.reads.add(argument);
      else for (const local of this.#effects(argument).reads) effects.reads.add(local);
    }
  }

  #effects(node: Value | Node): Effects {
    const effects = none();
    if (node === 'true' || node === 'false') return effects;
    const targets = new Map<Node, Extract<Node, { type: 'AssignmentExpression' }>>();
    walk(node, (inner, parent) => {
      if (inner.type === 'YieldExpression' && inner.delegate) {
        // The arguments of a hoisted call were evaluated before; those of a leaf are written again.
        const leaf = this.#leaves.get(inner);
        if (leaf !== undefined) this.#leafEffects(leaf, effects);
        return false;
      }
      if (inner.type === 'AssignmentExpression')
        targets.set(evaluated(inner.left as Expression), inner);
      const local = inner.type === 'Identifier' ? this.#names.get(inner) : undefined;
      if (local === undefined || !this.#tracked.has(local)) return undefined;
      if (parent !== null && isPattern(parent))
        throw this.#refusal(inner, 'a pattern beside a yield', 'assign one name at a time');
      const assignment = targets.get(inner);
      if (assignment?.operator !== '=') effects.reads.add(local);
      if (
        assignment !== undefined ||
        parent?.type === 'UpdateExpression' ||
        parent?.type === 'ForOfStatement' ||
        parent?.type === 'ForInStatement'
      ) {
        effects.changes.add(local);
        if (
          assignment !== undefined &&
          node.type === 'ExpressionStatement' &&
          node.expression === assignment
        )
          effects.kills.add(local);
      }
      return undefined;
    });
    return effects;
  }

  /** Whether each operand is a boolean (a field of the machine is taken for one, the compiler sees). */
  #allBoolean(e: Expression): boolean {
    const value = bare(e);
    if (value.type === 'LogicalExpression')
      return this.#allBoolean(value.left) && this.#allBoolean(value.right);
    return this.#isBoolean(value) || this.#isField(value);
  }

  #isBoolean(e: Expression): boolean {
    return isBoolean(e, this.#modules, this.#module, this.#names);
  }
}

function isConditional(node: Node): boolean {
  return node.type === 'LogicalExpression' || node.type === 'ConditionalExpression';
}

/** Where a name is assigned by destructuring. */
function isPattern(node: Node): boolean {
  return (
    node.type === 'ArrayPattern' ||
    node.type === 'RestElement' ||
    node.type === 'AssignmentPattern' ||
    node.type === 'ObjectPattern'
  );
}
