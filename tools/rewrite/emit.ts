/** One Steps function of the resumable form, as text. */
import { type Expression, evaluated, type Node, Refusal, type Source, slice, walk } from './ast.ts';
import type { Block, LeafCall, Lowered, Piece, Value } from './blocks.ts';
import { isBooleanLocal } from './booleans.ts';
import { asWord, emitLeaf, isLeaf } from './leaf.ts';
import { type FrameLayout, layOutFrame } from './liveness.ts';
import { lower } from './lower.ts';
import type { Module, Modules, Routine } from './modules.ts';
import { isTypeOnly, type Local, type Names } from './scope.ts';
import { delegateOf } from './subset.ts';
import { type Rule, textOf } from './text.ts';
import { writeRule } from './writes.ts';

/** Bits of the frame's header: see src/machine/resumable.ts. */
const MOST_POINTS = 4095;
const MOST_WORDS = 255;

export class Emitter {
  readonly #modules: Modules;
  readonly #module: Module;
  readonly #source: Source;
  readonly #names: Names;
  readonly #routine: Routine;
  readonly #id: number;
  readonly #lowered: Lowered;
  readonly #params: Local[];
  readonly #frame: FrameLayout;
  /** Program points: blocks that are entered other than from the block before. */
  readonly #labels: Map<Block, number>;
  readonly #emitted = new Map<Local, string>();
  /** Locals declared where they are assigned, because nothing else uses them. */
  readonly #inline: Set<Local>;
  readonly #rule: Rule;

  constructor(modules: Modules, module: Module, names: Names, routine: Routine, id: number) {
    this.#modules = modules;
    this.#module = module;
    this.#source = module.source;
    this.#names = names;
    this.#routine = routine;
    this.#id = id;
    this.#lowered = lower(modules, module, names, routine);
    this.#params = routine.node.params.slice(1).flatMap((p) => names.get(p) ?? []);
    this.#frame = layOutFrame(
      this.#lowered,
      this.#params.filter((p) => this.#lowered.tracked.has(p)),
    );
    this.#labels = labelBlocks(this.#lowered.blocks);
    this.#inline = this.#findInline();
    this.#nameLocals();
    const rule: Rule = (node, parent) => this.#rewrite(node) ?? writes(node, parent);
    const writes = writeRule(module.source, names, modules.layout.tables, rule, () => {});
    this.#rule = rule;
    if (this.#frame.words > MOST_WORDS)
      throw this.#refusal(
        routine.node,
        `frame of ${this.#frame.words} words`,
        'split the function',
      );
    if (this.#labels.size > MOST_POINTS)
      throw this.#refusal(
        routine.node,
        `${this.#labels.size} program points`,
        'split the function',
      );
    for (const local of this.#frame.slots.keys()) this.#checkWord(local);
  }

  emit(): string {
    const { name, node, exported } = this.#routine;
    if (isLeaf(this.#routine)) {
      const boolean = (param: Node) => {
        const local = this.#names.get(param);
        return local !== undefined && this.#isBoolean(local);
      };
      return emitLeaf(this.#source, this.#routine, this.#id, this.#leafRule(), boolean);
    }
    const suspends = this.#frame.suspensions.size > 0;
    const params = node.params.map((p) => slice(this.#source, p));
    const [machine, ...others] = params;
    const own = '$fp: number, $pc: number, $v: $Value | undefined';
    const result = this.#routine.result === 'void' ? 'number' : this.#routine.resultText;
    const head = `${exported ? 'export ' : ''}function ${name}$step(${[machine, own, ...others].join(', ')}): ${result} | undefined {`;
    const body = suspends ? this.#machine() : this.#straight();
    const handle = `${exported ? 'export ' : ''}const ${name} = $routine(${this.#id}, '${name}', ${this.#frame.words}, ${name}$step);`;
    return `${head}\n${body}}\n${handle}`;
  }

  /** A leaf's names stay: its parts are functions like any other. */
  #leafRule(): Rule {
    const rule: Rule = (node, parent) =>
      node.type === 'ReturnStatement' && node.argument === null
        ? 'return 0;'
        : writes(node, parent);
    const writes = writeRule(
      this.#source,
      this.#names,
      this.#modules.layout.tables,
      rule,
      () => {},
    );
    return rule;
  }

  /** A function that is never left before its end. */
  #straight(): string {
    const { body } = this.#routine.node;
    const text =
      body?.body.map((s) => `  ${textOf(this.#source, s, this.#rule, body)}\n`).join('') ?? '';
    return this.#routine.result === 'void' ? `${text}  return 0;\n` : text;
  }

  #machine(): string {
    const lines: string[] = [];
    for (const local of this.#lowered.tracked) {
      if (local.kind !== 'param' && !this.#inline.has(local))
        lines.push(`  ${this.#declaration(local)}`);
    }
    const loads = [...this.#frame.slots].map(([local, slot]) => {
      const word = `$s[$fp + ${slot}]`;
      return `    ${this.#nameOf(local)} = ${this.#isBoolean(local) ? `${word} !== 0` : word};`;
    });
    if (loads.length > 0) lines.push('  if ($pc !== 0) {', ...loads, '  }');
    lines.push('  for (;;) {', '    switch ($pc) {');
    const { blocks } = this.#lowered;
    blocks.forEach((block, i) => {
      const label = this.#labels.get(block);
      if (label !== undefined) {
        if (i > 0) lines.push('      }');
        lines.push(`      case ${label}: {`);
      }
      for (const piece of block.pieces) lines.push(...this.#piece(piece));
      lines.push(...this.#end(block, blocks[i + 1]));
    });
    lines.push(
      '      }',
      '      default:',
      `        throw new RangeError(\`${this.#routine.name} has no program point \${$pc}\`);`,
      '    }',
      '  }',
    );
    return `${lines.join('\n')}\n`;
  }

  // Code

  #text(node: Node, parent: Node | null = null): string {
    return textOf(this.#source, node, this.#rule, parent);
  }

  #valueText(value: Value): string {
    return typeof value === 'string' ? value : this.#text(value);
  }

  #piece(piece: Piece): string[] {
    if (piece.kind === 'code') {
      const text = this.#text(piece.node, piece.parent);
      return [`        ${text}${piece.parent === null ? '' : ';'}`];
    }
    const { local, value } = piece;
    const name = this.#nameOf(local);
    if (this.#inline.has(local)) {
      const type = local.annotation === null ? '' : `: ${slice(this.#source, local.annotation)}`;
      return [
        `        ${local.kind} ${name}${type}${value === null ? '' : ` = ${this.#valueText(value)}`};`,
      ];
    }
    if (value === null) return [];
    return [`        ${name} = ${this.#valueText(value)};`];
  }

  #end(block: Block, next: Block | undefined): string[] {
    const { end } = block;
    switch (end?.kind) {
      case 'jump':
        return end.to === next ? [] : [`        ${this.#goto(end.to)}`];
      case 'branch': {
        const test = this.#text(end.test);
        if (end.no === next) return [`        if (${test}) ${this.#goto(end.yes)}`];
        const lines = [`        if (!(${test})) ${this.#goto(end.no)}`];
        if (end.yes !== next) lines.push(`        ${this.#goto(end.yes)}`);
        return lines;
      }
      case 'switch':
        return [
          `        switch (${this.#text(end.on)}) {`,
          ...end.arms.map((arm) => `          case ${this.#text(arm.test)}: ${this.#goto(arm.to)}`),
          `          default: ${this.#goto(end.otherwise)}`,
          '        }',
        ];
      case 'return':
        if (end.value !== null) return [`        return ${this.#valueText(end.value)};`];
        return [`        return 0;`];
      case 'yield':
        return [
          ...this.#leave(block, end.next),
          `        return $suspend($fp, ${this.#frame.words}, ${this.#text(end.access)});`,
        ];
      case 'leaf':
        return [
          ...this.#leave(block, end.next),
          `        return $suspend($fp, ${this.#frame.words}, ${this.#leafText(end.call, 'access')});`,
        ];
      case 'call': {
        const [machine, ...others] = end.call.arguments.map((a) => this.#text(a));
        const up = this.#frame.words;
        const callee = end.call.callee.type === 'Identifier' ? end.call.callee.name : '';
        return [
          `        $v = ${callee}$step(${[machine, `$fp + ${up}`, '0', 'undefined', ...others].join(', ')});`,
          '        if ($v === undefined) {',
          ...this.#leave(block, end.next).map((line) => `  ${line}`),
          `          $s[$fp + ${up}] |= ${up};`,
          '          return undefined;',
          '        }',
        ];
      }
      default:
        return [];
    }
  }

  /** Writes the frame, so that `next` can be continued from it. */
  #leave(block: Block, next: Block): string[] {
    const { store, clear } = this.#frame.suspensions.get(block) ?? { store: [], clear: [] };
    const head = (this.#id << 20) | ((this.#labels.get(next) ?? 0) << 8) | 0;
    return [
      ...store.map(
        ({ local, slot }) =>
          `        $s[$fp + ${slot}] = ${asWord(this.#nameOf(local), this.#isBoolean(local))};`,
      ),
      ...clear.map((slot) => `        $s[$fp + ${slot}] = 0;`),
      `        $s[$fp] = ($s[$fp] & 255) | ${head};`,
    ];
  }

  #leafText(leaf: LeafCall, part: 'access' | 'body'): string {
    const args = leaf.args.map((a) => ('scope' in a ? this.#nameOf(a) : this.#text(a)));
    return `${leaf.callee}$${part}(${args.join(', ')})`;
  }

  #goto(block: Block): string {
    return `{ $pc = ${this.#labels.get(block) ?? 0}; continue; }`;
  }

  #rewrite(node: Node): string | undefined {
    switch (node.type) {
      case 'Identifier': {
        const name = this.#written(node);
        return name === undefined || name === node.name ? undefined : name;
      }
      case 'Property': {
        const name = node.shorthand ? this.#written(node.value) : undefined;
        return name === undefined ? undefined : `${slice(this.#source, node)}: ${name}`;
      }
      case 'YieldExpression': {
        const leaf = this.#lowered.leaves.get(node);
        if (leaf !== undefined) return this.#leafText(leaf, 'body');
        const { result } = delegateOf(this.#modules, this.#module, node);
        return `($v as ${result === 'boolean' ? 'boolean' : 'number'})`;
      }
      case 'ReturnStatement':
        return node.argument === null ? 'return 0;' : undefined;
      case 'BreakStatement':
      case 'ContinueStatement': {
        const to = this.#lowered.jumps.get(node);
        return to === undefined ? undefined : this.#goto(to);
      }
      default:
        return isTypeOnly(node) ? slice(this.#source, node) : undefined;
    }
  }

  // Locals

  /** How an identifier is written, when that differs from the source. */
  #written(node: Node): string | undefined {
    const local = this.#names.get(node);
    if (local === undefined) return undefined;
    const field = this.#lowered.aliases.get(local);
    if (field === undefined) return this.#emitted.get(local);
    return field.type === 'MemberExpression'
      ? slice(this.#source, field)
      : `(${slice(this.#source, field)})`;
  }

  #nameOf(local: Local): string {
    return this.#emitted.get(local) ?? local.name;
  }

  #isBoolean(local: Local): boolean {
    return isBooleanLocal(local, this.#modules, this.#module, this.#names);
  }

  /** Every tracked local gets a name of its own: they all come into one scope. */
  #nameLocals(): void {
    const taken = new Set<string>();
    walk(this.#routine.node, (node) => {
      if (node.type !== 'Identifier') return undefined;
      const local = this.#names.get(node);
      if (local === undefined || !this.#lowered.tracked.has(local)) taken.add(node.name);
      return undefined;
    });
    // Names of inner blocks that stay blocks only shadow, which they may; those of the module must stay visible.
    for (const local of this.#names.values()) {
      if (local.scope !== this.#source.program && !this.#lowered.tracked.has(local))
        taken.delete(local.name);
    }
    walk(this.#routine.node, (node) => {
      const local = node.type === 'Identifier' ? this.#names.get(node) : undefined;
      if (local !== undefined && local.scope === this.#source.program) taken.add(local.name);
      return undefined;
    });
    for (const local of [...this.#params, ...this.#lowered.tracked]) {
      if (this.#emitted.has(local) || !this.#lowered.tracked.has(local)) continue;
      let name = local.name;
      for (let n = 2; local.kind !== 'param' && taken.has(name); n++) name = `${local.name}$${n}`;
      taken.add(name);
      this.#emitted.set(local, name);
    }
  }

  /** Locals whose uses all lie between two labels stay declarations with whatever type they have. */
  #findInline(): Set<Local> {
    const where = new Map<Local, Set<number>>();
    const declarations = new Map<Local, number>();
    let segment = 0;
    for (const block of this.#lowered.blocks) {
      if (this.#labels.has(block)) segment++;
      for (const part of [...block.pieces, ...(block.end === null ? [] : [block.end])]) {
        if (
          part.kind === 'set' &&
          part.local.declared.type === 'VariableDeclarator' &&
          this.#declares(part)
        ) {
          declarations.set(part.local, (declarations.get(part.local) ?? 0) + 1);
        }
        for (const local of [
          ...part.effects.reads,
          ...part.effects.kills,
          ...part.effects.changes,
        ]) {
          const segments = where.get(local) ?? new Set<number>();
          where.set(local, segments.add(segment));
        }
      }
    }
    const inline = new Set<Local>();
    for (const [local, segments] of where) {
      if (
        local.kind !== 'param' &&
        segments.size === 1 &&
        declarations.get(local) === 1 &&
        !this.#frame.slots.has(local)
      )
        inline.add(local);
    }
    return inline;
  }

  /** Whether this piece is the local's declaration with its whole initial value, rather than a part of it. */
  #declares(piece: Extract<Piece, { kind: 'set' }>): boolean {
    const { value } = piece;
    return value === null
      ? piece.local.init === null
      : typeof value !== 'string' &&
          piece.local.init !== null &&
          evaluated(value) === evaluated(piece.local.init);
  }

  #declaration(local: Local): string {
    const name = this.#nameOf(local);
    if (this.#isBoolean(local)) return `let ${name} = false;`;
    if (this.#frame.slots.has(local)) return `let ${name} = 0;`;
    const { annotation, init } = local;
    if (annotation !== null) return `let ${name}!: ${slice(this.#source, annotation)};`;
    if (this.#misuse(local) === 'an array') return `let ${name}!: Int32Array;`;
    const type = init === null ? undefined : this.#typeOf(init);
    return type === undefined ? `let ${name} = 0;` : `let ${name}!: ${type};`;
  }

  /** Type of an initial value that may be no number; undefined: a number. */
  #typeOf(init: Expression): string | undefined {
    const e = evaluated(init);
    if (isFieldChain(e) && e.type === 'MemberExpression') return `typeof ${slice(this.#source, e)}`;
    if (e.type === 'Literal' && typeof e.value === 'string') return 'string';
    if (e.type === 'ConditionalExpression') {
      const sides = [this.#typeOf(e.consequent), this.#typeOf(e.alternate)];
      return sides.every((t) => t === undefined)
        ? undefined
        : sides.map((t) => t ?? 'number').join(' | ');
    }
    if (
      e.type === 'CallExpression' &&
      e.callee.type === 'Identifier' &&
      this.#modules.routine(this.#module, e.callee.name)?.result === 'other'
    ) {
      return `ReturnType<typeof ${e.callee.name}>`;
    }
    return undefined;
  }

  /** A local of the frame must be an int32 or a boolean, as far as its uses tell. */
  #checkWord(local: Local): void {
    const what = this.#misuse(local);
    if (what === undefined) return;
    throw this.#refusal(
      local.declared,
      `${local.name} is ${what} and is needed after a yield`,
      'only numbers and booleans live across a yield: read it again afterwards',
    );
  }

  #misuse(local: Local): string | undefined {
    const init = local.init === null ? null : evaluated(local.init);
    if (
      init !== null &&
      ['ArrayExpression', 'ObjectExpression', 'NewExpression', 'TemplateLiteral'].includes(
        init.type,
      )
    )
      return 'no number';
    if (
      init?.type === 'Literal' &&
      typeof init.value !== 'number' &&
      typeof init.value !== 'boolean'
    )
      return 'no number';
    const type = local.annotation?.type;
    if (
      type !== undefined &&
      ![
        'TSNumberKeyword',
        'TSBooleanKeyword',
        'TSTypeReference',
        'TSUnionType',
        'TSLiteralType',
      ].includes(type)
    )
      return 'no number';
    let found: string | undefined;
    walk(this.#routine.node, (node, parent) => {
      if (node.type !== 'Identifier' || this.#names.get(node) !== local) return undefined;
      if (parent?.type === 'MemberExpression' && parent.object === node)
        found = parent.computed ? 'an array' : 'an object';
      if (parent?.type === 'CallExpression' && parent.callee === node) found = 'a function';
      if (parent?.type === 'BinaryExpression' && [parent.left, parent.right].some(isString))
        found = 'a string';
      if (
        parent?.type === 'SwitchStatement' &&
        parent.cases.some((c) => c.test !== null && isString(c.test))
      )
        found = 'a string';
      return undefined;
    });
    return found;
  }

  #refusal(node: Node, what: string, advice: string): Refusal {
    return new Refusal(this.#source, node.start, what, advice);
  }
}

function isString(node: Node): boolean {
  return node.type === 'Literal' && typeof node.value === 'string';
}

function isFieldChain(node: Expression): boolean {
  if (node.type === 'Identifier') return true;
  return (
    node.type === 'MemberExpression' && !node.computed && isFieldChain(node.object as Expression)
  );
}

/**
 * Numbers the blocks that need one: the entry is 0, places of return come next, then targets of jumps. A block that is
 * only reached from the one before has none.
 */
function labelBlocks(blocks: readonly Block[]): Map<Block, number> {
  const labels = new Map<Block, number>();
  const label = (block: Block | undefined) => {
    if (block !== undefined && !labels.has(block)) labels.set(block, labels.size);
  };
  label(blocks[0]);
  for (const { end } of blocks) if (end !== null && 'next' in end) label(end.next);
  blocks.forEach((block, i) => {
    const next = blocks[i + 1];
    for (const piece of block.pieces) for (const exit of piece.effects.exits) label(exit);
    const { end } = block;
    if (end?.kind === 'jump' && end.to !== next) label(end.to);
    if (end?.kind === 'switch')
      for (const to of [...end.arms.map((a) => a.to), end.otherwise]) label(to);
    if (end?.kind === 'branch') {
      if (end.yes !== next) label(end.yes);
      if (end.no !== next) label(end.no);
    }
  });
  return labels;
}
