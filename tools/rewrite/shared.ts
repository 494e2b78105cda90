/**
 * What the shared form has beside the direct one: another worker may come between any two accesses, so what was one step
 * of the source becomes one atomic operation (`a.b[i] += n`: `Atomics.add`), or waits until it is enabled.
 */
import { join } from 'node:path';
import type MagicString from 'magic-string';
import { type Expression, type Source, walk } from './ast.ts';
import type { Module, Modules } from './modules.ts';
import { specifierFor } from './paths.ts';
import { resolveNames } from './scope.ts';
import { isWrite, stateTarget, type Write } from './writes.ts';

/** Module with `waitFor`, below the root of the set. */
const WAIT_MODULE = 'machine/workers.ts';
/** Names of the steps that may have to wait and change nothing by themselves. */
const WAITS = new Set(['IPI', 'WAIT', 'WAIT_ZERO', 'LOCK_FOLIO', 'WAIT_WRITEBACK']);

const ATOMIC: Readonly<Record<string, string>> = {
  '+=': 'add',
  '-=': 'sub',
  '|=': 'or',
  '&=': 'and',
  '^=': 'xor',
  '++': 'add',
  '--': 'sub',
};

/** Whether a bare `yield argument;` is a step that may have to wait. */
export function isWait(argument: Expression): boolean {
  let found = false;
  walk(argument, (node) => {
    if (node.type === 'Identifier' && WAITS.has(node.name)) found = true;
    return !found;
  });
  return found;
}

/** Read-modify-writes of state become atomic, by edits on `text`; waits have been left for `$waitFor` by direct.ts. */
export function writeShared(
  modules: Modules,
  module: Module,
  text: MagicString,
  waits: boolean,
): void {
  const { source } = module;
  const names = resolveNames(source);
  walk(source.program, (node) => {
    if (!isWrite(node) || (node.type === 'AssignmentExpression' && node.operator === '='))
      return undefined;
    const target = stateTarget(source, names, modules.layout.tables, node);
    if (target !== undefined) makeAtomic(source, text, node, target.object, target.index);
    return undefined;
  });
  if (waits) {
    const path = join(modules.layout.out, modules.form, WAIT_MODULE);
    const from = specifierFor(modules, module.key, path);
    text.prepend(`import { waitFor as $waitFor } from '${from}'; `);
  }
}

function makeAtomic(
  source: Source,
  text: MagicString,
  write: Write,
  object: Expression,
  index: Expression,
): void {
  const operation = ATOMIC[write.operator];
  // There is no such atomic operation: whoever writes `<<=` has to hold a lock.
  if (operation === undefined) return;
  if (write.start !== object.start) text.remove(write.start, object.start);
  text.appendRight(object.start, `Atomics.${operation}(`);
  text.overwrite(object.end, index.start, `, ${lines(source, object.end, index.start)}`);
  if (write.type === 'UpdateExpression') text.overwrite(index.end, write.end, ', 1)');
  else {
    const { right } = write;
    text.overwrite(index.end, right.start, `, ${lines(source, index.end, right.start)}`);
    text.appendLeft(write.end, ')');
  }
}

/** The line breaks between two places, so that lines stay where they were. */
function lines(source: Source, from: number, to: number): string {
  return '\n'.repeat(source.text.slice(from, to).split('\n').length - 1);
}
