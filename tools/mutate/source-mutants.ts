/**
 * Mutants of the second kind: one check in the source of the model is dropped, turned round, weakened, or done a step
 * later. Made from the syntax tree, so that each is one small change of one function.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { children, type FunctionNode, type Node, parseFile } from '../rewrite/ast.ts';
import { PROJECT } from './library.ts';

/** Files of src/mm whose checks decide what semantics.md A.9 to A.20 and A.31 say about pins. */
export const MUTATED = [
  'gup',
  'gup-args',
  'gup-check',
  'gup-fallback',
  'gup-fast',
  'gup-fast-page',
  'gup-fast-run',
  'gup-fault',
  'gup-locked',
  'gup-longterm',
  'gup-output',
  'gup-ranges',
  'gup-take',
  'gup-unshare',
  'gup-walk',
  'grab',
  'longterm-pinnable',
  'memfd-pin',
  'has-pinned',
  'pinned',
  'unpin',
  'wp-reuse',
  'fault-wp',
  'huge-wp',
  'hugetlb-wp',
  'fork',
  'fork-pte',
  'huge-fork',
  'hugetlb-fork',
  'rmap',
  'swap-fault',
  'migrate-move',
  'khugepaged',
  'khugepaged-isolate',
] as const;

/** `drop`: a check never fires. `negate`: it fires when it should not. `weaken`: it asks one thing less. `swap`: two steps change places. */
export type Kind = 'drop' | 'negate' | 'weaken' | 'swap';

export interface SourceMutant {
  /** `wp-reuse.ts#onlyReference:negate:1` - file, function, kind, number of that kind in the function. */
  readonly id: string;
  /** From 1 on, in the order of the list that `sourceMutants` gave. */
  readonly number: number;
  /** Below src/: `mm/wp-reuse.ts`. */
  readonly file: string;
  readonly routine: FunctionNode;
  readonly edit: Edit;
  /** The line that is changed. */
  readonly line: number;
  /** What was there, on one line and cut. */
  readonly was: string;
}

/** A piece of a file and what it becomes, and where a run must come for the two to differ. */
interface Edit {
  readonly kind: Kind;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly at: Place;
}

/** A statement; `alone`: it is no member of a block, so that another before it needs braces. */
interface Place {
  readonly start: number;
  readonly end: number;
  readonly alone: boolean;
}

/** A file and the functions in it that have mutants. */
export interface MutatedFile {
  readonly file: string;
  readonly text: string;
  readonly mutants: readonly SourceMutant[];
}

/** Mutants of the files named (all of `MUTATED` unless told), in order of file and place. */
export const mutatedFiles = (names: readonly string[] = MUTATED): MutatedFile[] => {
  let number = 0;
  return names.map((name) => {
    const file = `mm/${name}.ts`;
    const path = join(PROJECT, 'src', file);
    const text = readFileSync(path, 'utf8');
    const { program } = parseFile(path, file);
    const mutants = program.body.flatMap((statement) => {
      const routine =
        statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
      if (routine?.type !== 'FunctionDeclaration') return [];
      const counts = new Map<Kind, number>();
      return editsOf(routine, text).map((edit) => {
        const n = (counts.get(edit.kind) ?? 0) + 1;
        counts.set(edit.kind, n);
        number++;
        return {
          id: `${name}.ts#${routine.id?.name ?? ''}:${edit.kind}:${n}`,
          number,
          file,
          routine,
          edit,
          line: text.slice(0, edit.start).split('\n').length,
          was: text.slice(edit.start, edit.end).replace(/\s+/g, ' ').slice(0, 100),
        };
      });
    });
    return { file, text, mutants };
  });
};

type Visit = (node: Node, at: Place) => void;

/** Every node of `node`, with the statement that it is in. */
const walkStatements = (node: Node, parent: Node, at: Place, visit: Visit): void => {
  const own = isStatement(node)
    ? { start: node.start, end: node.end, alone: !holdsList(parent) }
    : at;
  visit(node, own);
  for (const child of children(node)) walkStatements(child, node, own, visit);
};

const isStatement = (node: Node): boolean =>
  (node.type.endsWith('Statement') && node.type !== 'BlockStatement') ||
  node.type === 'VariableDeclaration';

const holdsList = (node: Node): boolean =>
  node.type === 'BlockStatement' || node.type === 'SwitchCase';

const editsOf = (routine: FunctionNode, text: string): Edit[] => {
  const edits: Edit[] = [];
  const of = (n: Node): string => text.slice(n.start, n.end);
  const whole = { start: routine.start, end: routine.end, alone: true };
  const loops: Node[] = [];
  if (routine.body === null) return [];
  walkStatements(routine.body as Node, routine as Node, whole, (n, at) => {
    if (n.type === 'WhileStatement' || n.type === 'DoWhileStatement') loops.push(n.test);
    if (n.type === 'ForStatement' && n.test !== null) loops.push(n.test);
    if (n.type === 'IfStatement') {
      const { start, end } = n.consequent;
      if (n.alternate === null)
        edits.push({
          kind: 'drop',
          start: n.start,
          end: n.end,
          text: '{}',
          at: { start, end, alone: true },
        });
      edits.push({
        kind: 'negate',
        start: n.test.start,
        end: n.test.end,
        text: `!(${of(n.test)})`,
        at,
      });
    }
    // Tests of loops are no checks: most of their mutants would only never end.
    const inLoop = loops.some((t) => t.start <= n.start && n.end <= t.end);
    if (n.type === 'LogicalExpression' && n.operator !== '??' && !inLoop)
      for (const kept of [n.right, n.left])
        edits.push({ kind: 'weaken', start: n.start, end: n.end, text: `(${of(kept)})`, at });
    if (holdsList(n) && 'body' in n && Array.isArray(n.body))
      (n.body as Node[]).forEach((first, i, all) => {
        const second = all[i + 1];
        if (second === undefined || !isStep(first) || !isStep(second)) return;
        edits.push({
          kind: 'swap',
          start: first.start,
          end: second.end,
          text: `${of(second)}\n${of(first)}`,
          at: { start: first.start, end: first.end, alone: false },
        });
      });
  });
  return edits.sort((a, b) => a.start - b.start || a.end - b.end);
};

/** `yield* f(...);` as a statement of its own. */
const isStep = (n: Node): boolean =>
  n.type === 'ExpressionStatement' && n.expression.type === 'YieldExpression';
