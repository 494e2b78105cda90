/** Parsing, walking, and refusing with a position: what the other parts of the rewriter stand on. */
import { readFileSync } from 'node:fs';
import {
  type Comment,
  type Expression,
  type Function as FunctionNode,
  type Node,
  type Program,
  parseSync,
  visitorKeys,
} from 'oxc-parser';

export type { Expression, FunctionNode, Node };

export interface Source {
  /** As shown in messages. */
  readonly file: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
}

/** Source that leaves the accepted subset: where, what, and how to write it instead. */
export class Refusal extends Error {
  readonly file: string;
  readonly line: number;
  readonly column: number;

  constructor(
    source: { file: string; text: string },
    offset: number,
    what: string,
    advice: string,
  ) {
    const before = source.text.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - (before.lastIndexOf('\n') + 1) + 1;
    super(`${source.file}:${line}:${column}: ${what}; ${advice}`);
    this.file = source.file;
    this.line = line;
    this.column = column;
  }
}

/** Parses one file of TypeScript; a syntax error is a `Refusal`. */
function parseText(file: string, text: string): Source {
  const { program, comments, errors } = parseSync(file, text, { sourceType: 'module', lang: 'ts' });
  const error = errors[0];
  if (error !== undefined) {
    throw new Refusal(
      { file, text },
      error.labels[0]?.start ?? 0,
      error.message,
      'this is not TypeScript',
    );
  }
  return { file, text, program, comments };
}

export function parseFile(path: string, shownAs: string): Source {
  return parseText(shownAs, readFileSync(path, 'utf8'));
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** The nodes directly below `node`, in source order; of two at one place (a shorthand property) the last. */
export function children(node: Node): Node[] {
  const found: Node[] = [];
  const fields = node as unknown as Record<string, unknown>;
  for (const key of visitorKeys[node.type] ?? []) {
    const value = fields[key];
    if (Array.isArray(value)) found.push(...value.filter(isNode));
    else if (isNode(value)) found.push(value);
  }
  found.sort((a, b) => a.start - b.start);
  return found.filter(
    (n, i) =>
      i + 1 === found.length || found[i + 1]?.start !== n.start || found[i + 1]?.end !== n.end,
  );
}

/** Visits `node` and everything below, parents first; `visit` returns false to leave a node's inside out. */
export function walk(
  node: Node,
  visit: (node: Node, parent: Node | null) => boolean | undefined,
  parent: Node | null = null,
): void {
  if (visit(node, parent) === false) return;
  for (const child of children(node)) walk(child, visit, node);
}

/** Without the parentheses around it. */
export function bare(node: Expression): Expression {
  let e = node;
  while (e.type === 'ParenthesizedExpression') e = e.expression;
  return e;
}

/** Without parentheses and type assertions: what is evaluated. */
export function evaluated(node: Expression): Expression {
  let e = node;
  while (
    e.type === 'ParenthesizedExpression' ||
    e.type === 'TSAsExpression' ||
    e.type === 'TSNonNullExpression' ||
    e.type === 'TSSatisfiesExpression'
  ) {
    e = e.expression;
  }
  return e;
}

export function slice(source: Source, node: { start: number; end: number }): string {
  return source.text.slice(node.start, node.end);
}
