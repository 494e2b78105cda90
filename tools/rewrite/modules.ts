/** The files of one form, and who calls what: functions by module, imports resolved by name. */
import { existsSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { type FunctionNode, type Node, parseFile, Refusal, type Source, slice } from './ast.ts';

export type Form = 'direct' | 'shared' | 'resumable';
export const FORMS: readonly Form[] = ['direct', 'shared', 'resumable'];

/** Where things are. Module keys are paths below `root`, with slashes: `machine/atomic.ts`. */
export interface Layout {
  /** The source folder. */
  readonly root: string;
  /** Folders below `root` that are rewritten. */
  readonly folders: readonly string[];
  /** Where the forms go: `<out>/<form>/<key>`. */
  readonly out: string;
  /** Path of the runtime of the resumable form; it is never copied. */
  readonly runtime: string;
  /** Fields that hold arrays of arrays, set up once (`k.regions[R.x] = words`): what is written to them is no state. */
  readonly tables: readonly string[];
  /** How files are named in messages: this in front of the key. */
  readonly shown: string;
}

type Kind = 'number' | 'boolean' | 'void' | 'other';

export interface Routine {
  readonly name: string;
  readonly node: FunctionNode;
  /** The whole statement, `export` included. */
  readonly statement: Node;
  readonly exported: boolean;
  /** Annotated `Steps<R>`: rewritten. */
  readonly steps: boolean;
  readonly result: Kind;
  /** Source text of the result type. */
  readonly resultText: string;
}

export interface Module {
  readonly key: string;
  readonly source: Source;
  readonly routines: Map<string, Routine>;
  readonly imports: Map<string, { readonly key: string; readonly name: string }>;
  readonly reexports: Map<string, { readonly key: string; readonly name: string }>;
  readonly stars: string[];
}

/** The modules of one form: a file that has an override for the form is replaced by it. */
export class Modules {
  readonly layout: Layout;
  readonly form: Form;
  /** Keys of the rewritten set. */
  readonly keys: readonly string[];
  readonly #files: ReadonlyMap<string, string>;
  readonly #parsed: Map<string, Source>;
  readonly #modules = new Map<string, Module | undefined>();

  /** `parsed` caches sources by path, over all forms. */
  constructor(layout: Layout, form: Form, files: readonly string[], parsed: Map<string, Source>) {
    this.layout = layout;
    this.form = form;
    this.#parsed = parsed;
    this.#files = effectiveFiles(files, form);
    this.keys = [...this.#files.keys()].sort();
  }

  /** Whether the module is copied with the set (even when the file is missing); the runtime is not. */
  inSet(key: string): boolean {
    if (join(this.layout.root, key) === this.layout.runtime) return false;
    return this.layout.folders.some((folder) => key.startsWith(`${folder}/`));
  }

  /** The module, also when it lies outside the set; undefined when there is no such file. */
  get(key: string): Module | undefined {
    if (!this.#modules.has(key)) this.#modules.set(key, this.#load(key));
    return this.#modules.get(key);
  }

  /** What `name` stands for in `module`: a function of it, or one that it imports. */
  routine(module: Module, name: string): Routine | undefined {
    const own = module.routines.get(name);
    if (own !== undefined) return own;
    const from = module.imports.get(name);
    return from === undefined ? undefined : this.#exported(from.key, from.name, new Set());
  }

  /** What importers of `module` get for `name`. */
  exported(module: Module, name: string): Routine | undefined {
    return this.#exported(module.key, name, new Set());
  }

  #exported(key: string, name: string, seen: Set<string>): Routine | undefined {
    const module = seen.has(key) ? undefined : this.get(key);
    if (module === undefined) return undefined;
    seen.add(key);
    const own = module.routines.get(name);
    if (own?.exported === true) return own;
    const again = module.reexports.get(name);
    if (again !== undefined) return this.#exported(again.key, again.name, new Set());
    for (const star of module.stars) {
      const found = this.#exported(star, name, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #load(key: string): Module | undefined {
    const file = this.#files.get(key) ?? key;
    const path = join(this.layout.root, file);
    let source = this.#parsed.get(path);
    if (source === undefined) {
      if (!existsSync(path)) return undefined;
      source = parseFile(path, this.layout.shown + file);
      this.#parsed.set(path, source);
    }
    return describe(key, source);
  }
}

const OVERRIDE = /\.(direct|shared|resumable)\.ts$/;

/** Which file stands for each module: `X.<form>.ts` for `X.ts`, the other forms' overrides dropped. */
function effectiveFiles(files: readonly string[], form: Form): Map<string, string> {
  const chosen = new Map<string, string>();
  for (const file of files) if (!OVERRIDE.test(file)) chosen.set(file, file);
  for (const file of files) {
    if (OVERRIDE.exec(file)?.[1] === form) chosen.set(file.replace(OVERRIDE, '.ts'), file);
  }
  return chosen;
}

/** Key of the module that `specifier` names, seen from module `key`; undefined for packages. */
export function resolveKey(key: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.normalize(posix.join(dirname(key), specifier));
}

function nameOf(node: { type: string; name?: string; value?: string }): string {
  return node.name ?? node.value ?? '';
}

function describe(key: string, source: Source): Module {
  const module: Module = {
    key,
    source,
    routines: new Map(),
    imports: new Map(),
    reexports: new Map(),
    stars: [],
  };
  for (const statement of source.program.body) {
    if (statement.type === 'ImportDeclaration') {
      const from = resolveKey(key, statement.source.value);
      if (from === undefined) continue;
      for (const s of statement.specifiers) {
        if (s.type === 'ImportSpecifier')
          module.imports.set(s.local.name, { key: from, name: nameOf(s.imported) });
      }
    } else if (statement.type === 'ExportAllDeclaration') {
      const from = resolveKey(key, statement.source.value);
      if (from !== undefined && statement.exported === null) module.stars.push(from);
    } else if (statement.type === 'ExportNamedDeclaration') {
      if (statement.declaration?.type === 'FunctionDeclaration')
        addRoutine(module, statement.declaration, statement);
      const from = statement.source === null ? undefined : resolveKey(key, statement.source.value);
      if (from === undefined) continue;
      for (const s of statement.specifiers)
        module.reexports.set(nameOf(s.exported), { key: from, name: nameOf(s.local) });
    } else if (statement.type === 'FunctionDeclaration') {
      addRoutine(module, statement, statement);
    }
  }
  return module;
}

function addRoutine(module: Module, node: FunctionNode, statement: Node): void {
  const name = node.id?.name ?? '';
  const { steps, result, text } = resultOf(module.source, node);
  if (steps && !node.generator) {
    throw new Refusal(
      module.source,
      node.start,
      `${name} returns Steps but is no generator`,
      'write function* and yield* what it calls',
    );
  }
  module.routines.set(name, {
    name,
    node,
    statement,
    exported: statement.type === 'ExportNamedDeclaration',
    steps,
    result,
    resultText: text,
  });
}

function resultOf(
  source: Source,
  node: FunctionNode,
): { steps: boolean; result: Kind; text: string } {
  let type = node.returnType?.typeAnnotation;
  if (type === undefined) return { steps: false, result: 'other', text: '' };
  let steps = false;
  if (
    type.type === 'TSTypeReference' &&
    type.typeName.type === 'Identifier' &&
    type.typeName.name === 'Steps'
  ) {
    const argument = type.typeArguments?.params[0];
    if (argument === undefined)
      throw new Refusal(
        source,
        type.start,
        'Steps without a result type',
        'write Steps<number>, Steps<boolean> or Steps<void>',
      );
    steps = true;
    type = argument;
  }
  const text = slice(source, type);
  if (type.type === 'TSBooleanKeyword' || type.type === 'TSTypePredicate')
    return { steps, result: 'boolean', text };
  if (type.type === 'TSVoidKeyword' || type.type === 'TSNeverKeyword')
    return { steps, result: 'void', text };
  if (type.type === 'TSNumberKeyword' || type.type === 'TSTypeReference')
    return { steps, result: 'number', text };
  return { steps, result: 'other', text };
}
