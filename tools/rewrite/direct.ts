/** The direct form: the same functions without the yields, line by line where they were. */
import type MagicString from 'magic-string';
import { type Node, type Source, walk } from './ast.ts';
import type { Module } from './modules.ts';
import { isWait } from './shared.ts';

/**
 * Turns every Steps function of `module` into a plain function, by edits on `text`. With `waiting`, a step that may
 * have to wait becomes a call of `$waitFor`; the answer says whether there is one.
 */
export function writeDirect(module: Module, text: MagicString, waiting: boolean): boolean {
  let waits = false;
  for (const routine of module.routines.values()) {
    const { node } = routine;
    if (!routine.steps || node.body === null) continue;
    const star = findOutsideComments(module.source, '*', node.start);
    text.remove(star, star + 1);
    const type = node.returnType?.typeAnnotation;
    if (type?.type === 'TSTypeReference') {
      const result = type.typeArguments?.params[0];
      if (result !== undefined) text.remove(type.start, result.start).remove(result.end, type.end);
    }
    if (dropYields(module.source, node.body, text, waiting)) waits = true;
  }
  return waits;
}

function findOutsideComments(source: Source, what: string, from: number): number {
  let at = source.text.indexOf(what, from);
  for (;;) {
    const inside = source.comments.find((c) => at >= c.start && at < c.end);
    if (inside === undefined) return at;
    at = source.text.indexOf(what, inside.end);
  }
}

function dropYields(source: Source, body: Node, text: MagicString, waiting: boolean): boolean {
  let waits = false;
  walk(body, (node, parent) => {
    if (
      node.type === 'ExpressionStatement' &&
      node.expression.type === 'YieldExpression' &&
      !node.expression.delegate
    ) {
      const word = node.expression.argument;
      if (waiting && word !== null && isWait(word)) {
        waits = true;
        text.overwrite(node.expression.start, word.start, '$waitFor(k, ');
        text.appendLeft(word.end, ')');
        return false;
      }
      replaceKeepingLines(source, text, node, leftBehind(source, node, parent));
      return false;
    }
    if (node.type === 'YieldExpression' && node.delegate && node.argument !== null) {
      const between = source.text.slice(node.start, node.argument.start);
      const lines = '\n'.repeat(between.split('\n').length - 1);
      if (lines === '') {
        text.remove(node.start, node.argument.start);
      } else if (parent?.type === 'ExpressionStatement') {
        text.overwrite(node.start, node.argument.start, lines);
      } else {
        // `return yield*` with the call on the next line must not become a bare `return`.
        text
          .overwrite(node.start, node.argument.start, `(${lines}`)
          .appendRight(node.argument.end, ')');
      }
    }
    return undefined;
  });
  return waits;
}

function replaceKeepingLines(source: Source, text: MagicString, node: Node, by: string): void {
  const lines = source.text.slice(node.start, node.end).split('\n').length - 1;
  const instead = by + '\n'.repeat(lines);
  if (instead === '') text.remove(node.start, node.end);
  else text.overwrite(node.start, node.end, instead);
}

/**
 * A removed statement leaves an empty one where a statement is required, and behind a statement that
 * ended only because this one followed.
 */
function leftBehind(source: Source, node: Node, parent: Node | null): '' | ';' | '{}' {
  const siblings =
    parent?.type === 'BlockStatement'
      ? parent.body
      : parent?.type === 'SwitchCase'
        ? parent.consequent
        : undefined;
  if (siblings === undefined) return '{}';
  const before = siblings[(siblings as readonly Node[]).indexOf(node) - 1];
  return before === undefined || source.text[before.end - 1] === ';' ? '' : ';';
}
