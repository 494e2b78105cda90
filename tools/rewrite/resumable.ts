/**
 * The resumable form: each Steps function `f` becomes `f$step`, a state machine over a frame of words (see
 * src/machine/resumable.ts for the layout), and a constant `f` that `spawn` takes; leaves become two functions (leaf.ts).
 * Every write of state goes through `put`.
 */
import type MagicString from 'magic-string';
import { Refusal, slice, walk } from './ast.ts';
import { Emitter } from './emit.ts';
import { isLeaf } from './leaf.ts';
import type { Module, Modules, Routine } from './modules.ts';
import { specifierFor } from './paths.ts';
import { type Names, resolveNames } from './scope.ts';
import { type Rule, textOf } from './text.ts';
import { PUT, writeRule } from './writes.ts';

/** Function numbers have 12 bits; 0 is none. */
const MOST_ROUTINES = 4095;

export class Resumable {
  readonly #modules: Modules;
  readonly #refuse: (error: unknown) => void;
  /** Function number by `key:name`. */
  readonly #ids = new Map<string, number>();

  constructor(modules: Modules, loaded: readonly Module[], refuse: (error: unknown) => void) {
    this.#modules = modules;
    this.#refuse = refuse;
    for (const module of loaded) {
      for (const routine of module.routines.values()) {
        if (routine.steps) this.#ids.set(`${module.key}:${routine.name}`, this.#ids.size + 1);
      }
    }
    if (this.#ids.size > MOST_ROUTINES)
      throw new RangeError(`more than ${MOST_ROUTINES} Steps functions`);
  }

  /** Rewrites one module by edits on `text`. What is refused is reported, and left as it is. */
  write(module: Module, text: MagicString): void {
    const names = resolveNames(module.source);
    const used = new Set<string>();
    for (const routine of module.routines.values()) {
      if (!routine.steps) continue;
      try {
        const id = this.#ids.get(`${module.key}:${routine.name}`) ?? 0;
        const emitter = new Emitter(this.#modules, module, names, routine, id);
        const code = emitter.emit();
        text.overwrite(routine.statement.start, routine.statement.end, code);
        for (const name of ['$put', '$s', '$suspend', '$routine', '$word'])
          if (code.includes(name)) used.add(name);
        if (code.includes('$Value')) used.add('type $Value');
      } catch (error) {
        this.#refuse(error);
      }
    }
    this.#writePlain(module, names, text, used);
    this.#writeImports(module, text);
    if (used.size > 0) text.prepend(this.#runtimeImport(module, used));
  }

  /** Writes of state outside of Steps functions; what runs when the module is loaded makes its own things. */
  #writePlain(module: Module, names: Names, text: MagicString, used: Set<string>): void {
    const { source } = module;
    const rule: Rule = (node, parent) => writes(node, parent);
    const writes = writeRule(source, names, this.#modules.layout.tables, rule, () => used.add(PUT));
    for (const statement of source.program.body) {
      const steps = [...module.routines.values()].some((r) => r.steps && r.statement === statement);
      if (steps) continue;
      walk(statement, (node) => {
        if (node.type === 'ArrowFunctionExpression' && node.body.type !== 'BlockStatement') {
          this.#overwrite(module, text, node.body, node, rule);
          return false;
        }
        if (node.type === 'BlockStatement' || node.type === 'SwitchCase') {
          const body = node.type === 'BlockStatement' ? node.body : node.consequent;
          if (!insideFunction(statement, node)) return undefined;
          for (const inner of body) this.#overwrite(module, text, inner, node, rule);
          return false;
        }
        return undefined;
      });
    }
  }

  #overwrite(
    module: Module,
    text: MagicString,
    node: Parameters<Rule>[0],
    parent: Parameters<Rule>[1],
    rule: Rule,
  ): void {
    try {
      const was = slice(module.source, node);
      const now = textOf(module.source, node, rule, parent);
      if (now !== was) text.overwrite(node.start, node.end, now);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** `import { f }` of a Steps function brings `f$step`; `export { f } from` gives both. */
  #writeImports(module: Module, text: MagicString): void {
    const { source } = module;
    for (const statement of source.program.body) {
      if (statement.type === 'ImportDeclaration') {
        for (const s of statement.specifiers) {
          const routine =
            s.type === 'ImportSpecifier' ? this.#modules.routine(module, s.local.name) : undefined;
          if (s.type !== 'ImportSpecifier' || routine?.steps !== true) continue;
          text.overwrite(
            s.start,
            s.end,
            partNames(routine, slice(source, s.imported), s.local.name),
          );
        }
      } else if (statement.type === 'ExportNamedDeclaration') {
        for (const s of statement.specifiers) {
          const [local, exported] = [slice(source, s.local), slice(source, s.exported)];
          if (statement.source === null) {
            if (this.#modules.routine(module, local)?.steps !== true) continue;
            this.#refuse(
              new Refusal(
                source,
                s.start,
                `${local} is exported by a list`,
                'write export function* where it is declared',
              ),
            );
          } else {
            const routine = this.#modules.exported(module, exported);
            if (routine?.steps === true)
              text.overwrite(
                s.start,
                s.end,
                `${slice(source, s)}, ${partNames(routine, local, exported)}`,
              );
          }
        }
      }
    }
  }

  #runtimeImport(module: Module, used: ReadonlySet<string>): string {
    const real: Record<string, string> = {
      $put: 'put as $put',
      $s: 'stacks as $s',
      $suspend: 'suspend as $suspend',
      $routine: 'routine as $routine',
      $word: 'word as $word',
      'type $Value': 'type Value as $Value',
    };
    const list = [...used].sort().map((name) => real[name] ?? name);
    return `import { ${list.join(', ')} } from '${specifierFor(this.#modules, module.key, this.#modules.layout.runtime)}';\n`;
  }
}

/** The functions that callers of a Steps function need, as names of an import or export. */
function partNames(routine: Routine, from: string, to: string): string {
  const parts = isLeaf(routine) ? ['access', 'body'] : ['step'];
  return parts
    .map((part) => (from === to ? `${to}$${part}` : `${from}$${part} as ${to}$${part}`))
    .join(', ');
}

/** Whether `node` is part of a function's body rather than of what runs when the module is loaded. */
function insideFunction(statement: Parameters<Rule>[0], node: Parameters<Rule>[0]): boolean {
  let inside = false;
  walk(statement, (n) => {
    if (n.start > node.start || n.end < node.end) return false;
    if (n !== node && /Function/.test(n.type)) inside = true;
    return n !== node;
  });
  return inside;
}
