/** What every form needs of a file: generators are `Steps` functions of a module, called by `yield*` only. */
import { type FunctionNode, type Node, Refusal, type Source, walk } from './ast.ts';
import type { Module, Modules, Routine } from './modules.ts';

/** Throws a `Refusal` for the first thing in `module` that no form can be made of. */
export function checkSubset(modules: Modules, module: Module): void {
  const { source } = module;
  walk(source.program, (node, parent) => {
    if (node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression')
      checkGenerator(module, node);
    else if (node.type === 'YieldExpression') checkYield(modules, module, node, parent);
    else if (node.type === 'Identifier') checkReference(modules, module, node, parent);
    else if (node.type === 'VariableDeclaration' && node.kind === 'var') {
      throw new Refusal(source, node.start, 'var', 'write let or const');
    }
    return undefined;
  });
}

function checkGenerator(module: Module, node: FunctionNode): void {
  const { source } = module;
  if (!node.generator) return;
  const name = node.id?.name ?? '';
  if (module.routines.get(name)?.node !== node) {
    throw new Refusal(
      source,
      node.start,
      'a generator that is not a function of the module',
      'make it a function* declaration at the top level of the file',
    );
  }
  if (module.routines.get(name)?.steps !== true) {
    throw new Refusal(
      source,
      node.start,
      `generator ${name} is not annotated Steps<R>`,
      'give it the result type Steps<number>, Steps<boolean> or Steps<void>',
    );
  }
  if (node.params.length === 0) {
    throw new Refusal(
      source,
      node.start,
      `${name} has no parameters`,
      'the first parameter is the machine: k',
    );
  }
  for (const p of node.params) {
    if (p.type === 'Identifier' && !p.optional) continue;
    throw new Refusal(
      source,
      p.start,
      'a parameter with a default, a pattern or a rest',
      'write plain parameters, and pass all of them',
    );
  }
}

function checkYield(modules: Modules, module: Module, node: Node, parent: Node | null): void {
  const { source } = module;
  if (node.type !== 'YieldExpression') return;
  if (node.delegate) {
    // In the other forms an override may be a plain function already, and the compiler checks the call.
    if (modules.form === 'resumable') delegateOf(modules, module, node);
    return;
  }
  if (node.argument === null)
    throw new Refusal(
      source,
      node.start,
      'yield without an access word',
      'write yield READ | at(R.x, i);',
    );
  if (parent?.type !== 'ExpressionStatement') {
    throw new Refusal(
      source,
      node.start,
      'yield inside an expression',
      'a step announces its access in a statement of its own',
    );
  }
}

/** The function that a `yield*` calls. */
export function delegateOf(modules: Modules, module: Module, node: Node): Routine {
  if (node.type !== 'YieldExpression') throw new TypeError(node.type);
  const call = node.argument;
  const { source } = module;
  if (call?.type !== 'CallExpression' || call.callee.type !== 'Identifier' || call.optional) {
    throw new Refusal(
      source,
      node.start,
      'yield* of something that is no call of a named function',
      'write yield* f(k, ...)',
    );
  }
  const routine = modules.routine(module, call.callee.name);
  if (routine?.steps !== true) {
    throw new Refusal(
      source,
      call.start,
      `${call.callee.name} is not a Steps function of the rewritten set`,
      'declare it in this file or import it by name from a file of the set',
    );
  }
  for (const argument of call.arguments) {
    if (argument.type === 'SpreadElement')
      throw new Refusal(
        source,
        argument.start,
        'a spread argument',
        'write the arguments one by one',
      );
    walk(argument, (inner) => {
      if (inner.type === 'YieldExpression') {
        throw new Refusal(
          source,
          inner.start,
          'a yield in an argument',
          'put the result in a const first',
        );
      }
      return undefined;
    });
  }
  if (call.arguments.length !== routine.node.params.length) {
    throw new Refusal(
      source,
      call.start,
      `${routine.name} takes ${routine.node.params.length} arguments, not ${call.arguments.length}`,
      'pass all of them',
    );
  }
  return routine;
}

/** A Steps function may be called, imported and exported; nothing else. */
function checkReference(modules: Modules, module: Module, node: Node, parent: Node | null): void {
  if (node.type !== 'Identifier' || parent === null) return;
  if (
    parent.type === 'ImportSpecifier' ||
    parent.type === 'ExportSpecifier' ||
    parent.type.startsWith('TS')
  )
    return;
  if (isFunctionName(node, parent) || isPropertyName(node, parent)) return;
  if (modules.routine(module, node.name)?.steps !== true || isShadowed(module, node)) return;
  if (parent.type === 'CallExpression' && parent.callee === node && isDelegated(module, parent))
    return;
  throw new Refusal(
    module.source,
    node.start,
    `${node.name} is a Steps function and is used without yield*`,
    `write yield* ${node.name}(k, ...)`,
  );
}

function isFunctionName(node: Node, parent: Node): boolean {
  return (
    (parent.type === 'FunctionDeclaration' || parent.type === 'FunctionExpression') &&
    parent.id === node
  );
}

export function isPropertyName(node: Node, parent: Node): boolean {
  if (parent.type === 'MemberExpression') return parent.property === node && !parent.computed;
  if (parent.type === 'Property')
    return parent.key === node && !parent.computed && !parent.shorthand;
  return parent.type === 'MethodDefinition' || parent.type === 'PropertyDefinition';
}

const delegated = new WeakMap<Source, Set<Node>>();

function isDelegated(module: Module, call: Node): boolean {
  let calls = delegated.get(module.source);
  if (calls === undefined) {
    calls = new Set();
    const found = calls;
    walk(module.source.program, (node) => {
      if (node.type === 'YieldExpression' && node.delegate && node.argument !== null)
        found.add(node.argument);
      return undefined;
    });
    delegated.set(module.source, found);
  }
  return calls.has(call);
}

const shadows = new WeakMap<Source, Set<string>>();

/** Whether some parameter or local of the file has this name too: then the name is not judged. */
function isShadowed(module: Module, node: Node): boolean {
  if (node.type !== 'Identifier') return false;
  let names = shadows.get(module.source);
  if (names === undefined) {
    names = new Set();
    const found = names;
    walk(module.source.program, (inner) => {
      if (inner.type === 'VariableDeclarator' && inner.id.type === 'Identifier')
        found.add(inner.id.name);
      if (
        inner.type === 'FunctionDeclaration' ||
        inner.type === 'FunctionExpression' ||
        inner.type === 'ArrowFunctionExpression'
      ) {
        for (const p of inner.params) if (p.type === 'Identifier') found.add(p.name);
      }
      return undefined;
    });
    shadows.set(module.source, found);
  }
  return names.has(node.name);
}
