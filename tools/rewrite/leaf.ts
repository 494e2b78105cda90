/**
 * Leaves: Steps functions that announce one access, first thing, and then act without a yield; the primitives. They
 * take no frame when they are called: the caller suspends at the access, and calls the rest when it goes on.
 */
import { type Node, type Source, slice, walk } from './ast.ts';
import type { Routine } from './modules.ts';
import { type Rule, textOf } from './text.ts';

const known = new WeakMap<Node, boolean>();

export function isLeaf(routine: Routine): boolean {
  const { node } = routine;
  let leaf = known.get(node);
  if (leaf === undefined) {
    leaf = routine.steps && leafShaped(node);
    known.set(node, leaf);
  }
  return leaf;
}

function leafShaped(node: Routine['node']): boolean {
  const first = node.body?.body[0];
  if (
    first?.type !== 'ExpressionStatement' ||
    first.expression.type !== 'YieldExpression' ||
    first.expression.delegate
  )
    return false;
  let yields = 0;
  walk(node, (inner) => {
    if (inner.type === 'YieldExpression') yields++;
    return undefined;
  });
  return yields === 1;
}

/** What goes into the frame for a local. */
export function asWord(name: string, boolean: boolean): string {
  return boolean ? `${name} ? 1 : 0` : `$word(${name})`;
}

/**
 * `f$access` gives the access word, `f$body` does the rest, and `f$step` is both for who spawns the leaf itself. `rule` rewrites
 * what is inside.
 */
export function emitLeaf(
  source: Source,
  routine: Routine,
  id: number,
  rule: Rule,
  isBoolean: (param: Node) => boolean,
): string {
  const { name, node, exported } = routine;
  const first = node.body?.body[0];
  const access =
    first?.type === 'ExpressionStatement' && first.expression.type === 'YieldExpression'
      ? first.expression.argument
      : null;
  if (access === null || node.body === null) throw new TypeError(`${name} is no leaf`);
  const out = exported ? 'export ' : '';
  const params = node.params.map((p) => slice(source, p));
  const names = node.params.map((p) => (p.type === 'Identifier' ? p.name : ''));
  const [machine, ...others] = names;
  const rest = node.body.body.slice(1).map((s) => `  ${textOf(source, s, rule, node.body)}\n`);
  const result = routine.result === 'void' ? 'number' : routine.resultText;
  const words = names.length;
  const booleans = node.params.slice(1).map(isBoolean);
  const stores = others.map(
    (p, i) => `    $s[$fp + ${i + 1}] = ${asWord(p, booleans[i] === true)};\n`,
  );
  const loads = others.map((_, i) => `, $s[$fp + ${i + 1}]${booleans[i] === true ? ' !== 0' : ''}`);
  const point = (id << 20) | (1 << 8) | 0;
  return `${out}function ${name}$access(${params.join(', ')}): number {
  return ${textOf(source, access, rule)};
}
${out}function ${name}$body(${params.join(', ')}): ${result} {
${rest.join('')}${routine.result === 'void' ? '  return 0;\n' : ''}}
function ${name}$step(${[params[0], '$fp: number, $pc: number, $v: $Value | undefined', ...params.slice(1)].join(', ')}): ${result} | undefined {
  if ($pc === 0) {
${stores.join('')}    $s[$fp] = ($s[$fp] & 255) | ${point};
    return $suspend($fp, ${words}, ${name}$access(${names.join(', ')}));
  }
  return ${name}$body(${machine}${loads.join('')});
}
${out}const ${name} = $routine(${id}, '${name}', ${words}, ${name}$step);`;
}
