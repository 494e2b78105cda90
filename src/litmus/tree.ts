/** Walks and edits over a whole test, whatever its nodes are: for tools that treat all of them alike. */
import type { LitmusTest, Statement } from './ast.ts';

/** Every object and array below `root`, itself included; spans and strings aside. */
export function* nodesOf(root: unknown): Generator<object> {
  if (typeof root !== 'object' || root === null) return;
  yield root;
  for (const [key, value] of Object.entries(root)) {
    if (key === 'span' || key === 'nameSpan') continue;
    yield* nodesOf(value);
  }
}

/** The tree with `edit` applied to each node that it does not answer null for, outermost first; what is the same stays shared. */
export const edited = <T>(root: T, edit: (node: object) => unknown): T => {
  if (typeof root !== 'object' || root === null) return root;
  const to = edit(root);
  if (to !== null) return to as T;
  if (Array.isArray(root)) {
    const items = root.map((item: unknown) => edited(item, edit));
    return items.some((item, i) => item !== root[i]) ? (items as T) : root;
  }
  const changed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(root)) {
    if (key === 'span' || key === 'nameSpan') continue;
    const now = edited<unknown>(value, edit);
    if (now !== value) changed[key] = now;
  }
  return Object.keys(changed).length === 0 ? root : { ...root, ...changed };
};

/** A node that has a kind. */
export const isNode = (node: object): node is { readonly kind: string } =>
  'kind' in node && typeof node.kind === 'string';

/** Whether the name stands in the tree: as a name, or in a declaration. */
export const mentions = (root: unknown, name: string): boolean =>
  [...nodesOf(root)].some((n) => 'name' in n && n.name === name);

const STATEMENTS: ReadonlySet<string> = new Set([
  ...['declare', 'assign', 'if', 'while', 'for', 'block', 'kernel'],
  ...['break', 'continue', 'return', 'empty'],
]);

/** A statement, of any kind. */
export const isStatement = (node: unknown): node is Statement =>
  typeof node === 'object' &&
  node !== null &&
  isNode(node) &&
  (STATEMENTS.has(node.kind) || (node.kind === 'call' && 'call' in node));

/** The test without its comments, `Result:` and `Design:` lines. */
export const withoutComments = (test: LitmusTest): LitmusTest => {
  const bare = <T>(root: T): T =>
    edited(root, (node) =>
      'comments' in node && 'after' in node && [node.comments, node.after].flat().length > 0
        ? bare({ ...node, comments: [], after: [] })
        : null,
    );
  const plain = bare(test);
  return {
    ...plain,
    title: null,
    header: [],
    footer: [],
    expectations: [],
    designs: [],
    init: { ...plain.init, trailing: [] },
    threads: plain.threads.map((t) => ({ ...t, trailing: [] })),
  };
};

/** How large a test is: nodes of its tree, then characters, then the sum of its numbers; compared in this order. */
export const sizeOf = (test: LitmusTest, text: string): readonly [number, number, number] => {
  let nodes = 0;
  let numbers = test.threads.reduce((sum, t) => sum + t.index, 0);
  for (const node of nodesOf(test)) {
    nodes++;
    if (!isNode(node)) continue;
    if (node.kind === 'number' && 'value' in node) numbers += Math.abs(node.value as number);
    if (node.kind === 'array' && 'length' in node) numbers += node.length as number;
  }
  return [nodes, text.length, numbers];
};

/** Statements of a test, the initial block's included. */
export const countStatements = (test: LitmusTest): number =>
  [...nodesOf([test.init, test.threads])].filter(
    (n) => isStatement(n) && n.kind !== 'block' && n.kind !== 'kernel',
  ).length;
