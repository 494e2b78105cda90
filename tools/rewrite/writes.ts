/** Writes of state in the resumable form: `a.b[i] = v` becomes `put(a.b, i, v)`, which logs what was there. */
import { type Expression, evaluated, type Node, Refusal, type Source, slice, walk } from './ast.ts';
import { isFresh, type Local, type Names } from './scope.ts';
import { type Rule, textOf } from './text.ts';

/** Name of the runtime's `put` in generated files. */
export const PUT = '$put';

/** Methods that would write to a typed array behind the log's back. */
const BULK = new Set(['fill', 'set', 'copyWithin']);

export type Write = Extract<Node, { type: 'AssignmentExpression' | 'UpdateExpression' }>;

/** The rule that rewrites writes; `rule` gives the text of what is inside them. Throws `Refusal`. */
export function writeRule(
  source: Source,
  names: Names,
  tables: readonly string[],
  rule: Rule,
  onPut: () => void,
): Rule {
  return (node, parent) => {
    if (node.type === 'CallExpression') checkBulk(source, names, node);
    if (node.type === 'UnaryExpression' && node.operator === 'delete') {
      throw new Refusal(source, node.start, 'delete', 'state lives in typed arrays');
    }
    if (node.type === 'ExpressionStatement' && isWrite(node.expression))
      return statement(node, node.expression);
    if (isWrite(node)) return expression(node, parent);
    return undefined;
  };

  function statement(node: Node, write: Write): string | undefined {
    const target = stateTarget(source, names, tables, write);
    if (target === undefined) return undefined;
    onPut();
    if (write.type === 'UpdateExpression' || write.operator !== '=') {
      if (!isSimple(target.object) || !isSimple(target.index)) {
        const [base, i] = [inner(target.object, write), inner(target.index, write)];
        return `{ const $a = ${base}, $i = ${i}; ${PUT}($a, $i, ${newValue('$a', '$i', write)}); }`;
      }
    }
    return `${put(target, write)}${slice(source, node).endsWith(';') ? ';' : ''}`;
  }

  function expression(write: Write, parent: Node | null): string | undefined {
    const target = stateTarget(source, names, tables, write);
    if (target === undefined) return undefined;
    onPut();
    if (!valueUnused(write, parent)) {
      throw new Refusal(
        source,
        write.start,
        'the value of a write is used',
        'write to state in a statement of its own',
      );
    }
    const plain = write.type === 'AssignmentExpression' && write.operator === '=';
    if (!plain && !(isSimple(target.object) && isSimple(target.index))) {
      throw new Refusal(
        source,
        write.start,
        'array or index of this write is not simple',
        'put the index in a const first',
      );
    }
    return put(target, write);
  }

  function put(target: Target, write: Write): string {
    const [base, i] = [inner(target.object, write), inner(target.index, write)];
    return `${PUT}(${base}, ${i}, ${newValue(base, i, write)})`;
  }

  function newValue(base: string, i: string, write: Write): string {
    if (write.type === 'UpdateExpression')
      return `${base}[${i}] ${write.operator === '++' ? '+' : '-'} 1`;
    const right = inner(write.right, write);
    if (write.operator === '=') return right;
    const operator = write.operator.slice(0, -1);
    if (['&&', '||', '??'].includes(operator)) {
      throw new Refusal(
        source,
        write.start,
        `${write.operator} on state`,
        'write an if and an assignment',
      );
    }
    return `${base}[${i}] ${operator} ${isAtom(write.right) ? right : `(${right})`}`;
  }

  function inner(node: Node, parent: Node): string {
    return textOf(source, node, rule, parent);
  }
}

interface Target {
  readonly object: Expression;
  readonly index: Expression;
}

export function isWrite(node: Node): node is Write {
  return node.type === 'AssignmentExpression' || node.type === 'UpdateExpression';
}

/** What a write of state writes to; undefined when it writes a local, or something the function has just made. */
export function stateTarget(
  source: Source,
  names: Names,
  tables: readonly string[],
  write: Write,
): Target | undefined {
  const left = write.type === 'UpdateExpression' ? write.argument : write.left;
  const target =
    left.type === 'TSNonNullExpression' || left.type === 'TSAsExpression' ? evaluated(left) : left;
  if (target.type === 'Identifier') {
    const local = names.get(target);
    if (local !== undefined && local.scope.type === 'Program') {
      throw new Refusal(
        source,
        write.start,
        `${target.name} is a variable of the module`,
        'state lives in typed arrays reachable from k',
      );
    }
    return undefined;
  }
  if (target.type !== 'MemberExpression') {
    walk(target, (node) => {
      if (node.type !== 'MemberExpression') return undefined;
      throw new Refusal(
        source,
        node.start,
        'destructuring into state',
        'write one assignment a word',
      );
    });
    return undefined;
  }
  const root = rootOf(target);
  if (root.type === 'ThisExpression') return undefined;
  const local = names.get(root);
  if (local !== undefined && isFresh(local) && local.scope.type !== 'Program') return undefined;
  if (local !== undefined && local.scope.type === 'Program') {
    throw new Refusal(
      source,
      write.start,
      `write to ${local.name}, which is the module's`,
      'state lives in typed arrays reachable from k',
    );
  }
  if (target.object === root && local !== undefined && isListType(local)) return undefined;
  if (!target.computed) {
    throw new Refusal(
      source,
      write.start,
      `write to property ${slice(source, target.property)}`,
      'state lives in typed arrays: write k.x[i] = v',
    );
  }
  const { object } = target;
  if (
    object.type === 'MemberExpression' &&
    object.property.type === 'Identifier' &&
    tables.includes(object.property.name)
  )
    return undefined;
  return { object, index: target.property };
}

function isListType(local: Local): boolean {
  return local.annotation?.type === 'TSArrayType';
}

/** Leftmost part of a.b[c].d. */
function rootOf(node: Node): Node {
  let e = node;
  for (;;) {
    if (e.type === 'MemberExpression') e = e.object;
    else if (
      e.type === 'ParenthesizedExpression' ||
      e.type === 'TSNonNullExpression' ||
      e.type === 'TSAsExpression'
    )
      e = e.expression;
    else return e;
  }
}

/** Names, literals, reads of fields and elements, and arithmetic: may be evaluated twice. */
function isSimple(node: Node): boolean {
  let simple = true;
  walk(node, (n) => {
    if (
      [
        'CallExpression',
        'NewExpression',
        'AssignmentExpression',
        'UpdateExpression',
        'YieldExpression',
        'AwaitExpression',
      ].includes(n.type)
    ) {
      simple = false;
    }
    return simple;
  });
  return simple;
}

function valueUnused(write: Write, parent: Node | null): boolean {
  if (parent?.type === 'ForStatement') return parent.update === write || parent.init === write;
  return (
    parent?.type === 'ExpressionStatement' ||
    (parent?.type === 'ArrowFunctionExpression' && parent.body === write)
  );
}

function checkBulk(
  source: Source,
  names: Names,
  call: Extract<Node, { type: 'CallExpression' }>,
): void {
  const { callee } = call;
  if (
    callee.type !== 'MemberExpression' ||
    callee.computed ||
    callee.property.type !== 'Identifier'
  )
    return;
  const root = rootOf(callee.object);
  if (root.type === 'Identifier' && root.name === 'Atomics') {
    throw new Refusal(
      source,
      call.start,
      'Atomics',
      'write plain reads and writes, and the atomic ones in the .shared.ts file',
    );
  }
  if (!BULK.has(callee.property.name)) return;
  const local = names.get(root);
  if (local !== undefined && isFresh(local)) return;
  throw new Refusal(
    source,
    call.start,
    `.${callee.property.name}() writes state behind the log`,
    'use fillWords or copyWords of machine/words.ts',
  );
}

/** Needs no parentheses behind an operator. */
function isAtom(node: Node): boolean {
  return (
    node.type === 'Literal' ||
    node.type === 'Identifier' ||
    node.type === 'MemberExpression' ||
    node.type === 'CallExpression' ||
    node.type === 'ParenthesizedExpression'
  );
}
