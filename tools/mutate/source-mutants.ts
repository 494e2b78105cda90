/**
 * Mutants of the second kind: one check in the source of the model is dropped, turned round, or done a step later. Made
 * from the syntax tree, so that each is one small change of one function.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { children, type FunctionNode, type Node, parseFile } from '../rewrite/ast.ts';
import { PROJECT } from './library.ts';

/** Files of src/mm whose checks decide what semantics.md A.13 to A.20 and A.31 say about pins. */
export const MUTATED = [
  'gup-fast',
  'gup-fast-page',
  'grab',
  'gup-take',
  'gup-walk',
  'gup-check',
  'gup-unshare',
  'wp-reuse',
  'fault-wp',
  'fork-pte',
  'huge-fork',
  'hugetlb-fork',
  'hugetlb-wp',
  'huge-wp',
  'rmap',
  'unpin',
  'pinned',
  'swap-fault',
  'migrate-move',
  'khugepaged',
  'khugepaged-isolate',
] as const;

export interface SourceMutant {
  /** `wp-reuse.ts#onlyReference:negate:1` - file, function, kind, number of that kind in the function. */
  readonly id: string;
  /** Below src/: `mm/wp-reuse.ts`. */
  readonly file: string;
  readonly routine: string;
  /** The whole file with the change. */
  readonly text: string;
  /** The line that was changed, and what it was. */
  readonly line: number;
  readonly was: string;
}

interface Edit {
  readonly kind: 'drop' | 'negate' | 'swap';
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Mutants of the files named (all of `MUTATED` unless told), in order of file and place. */
export const sourceMutants = (names: readonly string[] = MUTATED): SourceMutant[] =>
  names.flatMap((name) => {
    const file = `mm/${name}.ts`;
    const path = join(PROJECT, 'src', file);
    const text = readFileSync(path, 'utf8');
    const { program } = parseFile(path, file);
    const routines: FunctionNode[] = [];
    collect(program, (n) => n.type === 'FunctionDeclaration' && routines.push(n as FunctionNode));
    return routines.flatMap((routine) => {
      const counts = new Map<string, number>();
      return editsOf(routine, text).map((edit) => {
        const n = (counts.get(edit.kind) ?? 0) + 1;
        counts.set(edit.kind, n);
        const name = routine.id?.name ?? '';
        return {
          id: `${file.slice('mm/'.length)}#${name}:${edit.kind}:${n}`,
          file,
          routine: name,
          text: text.slice(0, edit.start) + edit.text + text.slice(edit.end),
          line: text.slice(0, edit.start).split('\n').length,
          was: text.slice(edit.start, edit.end).replace(/\s+/g, ' ').slice(0, 100),
        };
      });
    });
  });

const collect = (node: Node, visit: (n: Node) => unknown): void => {
  visit(node);
  for (const child of children(node)) collect(child, visit);
};

const editsOf = (routine: FunctionNode, text: string): Edit[] => {
  const edits: Edit[] = [];
  const of = (n: Node): string => text.slice(n.start, n.end);
  collect(routine as Node, (n) => {
    if (n.type === 'IfStatement') {
      if (n.alternate === null && leaves(n.consequent))
        edits.push({ kind: 'drop', start: n.start, end: n.end, text: '' });
      edits.push({
        kind: 'negate',
        start: n.test.start,
        end: n.test.end,
        text: `!(${of(n.test)})`,
      });
    }
    if (n.type === 'BlockStatement')
      n.body.forEach((first, i) => {
        const second = n.body[i + 1];
        if (second === undefined || !isStep(first) || !isStep(second)) return;
        edits.push({
          kind: 'swap',
          start: first.start,
          end: second.end,
          text: `${of(second)}\n${of(first)}`,
        });
      });
  });
  return edits.sort((a, b) => a.start - b.start);
};

/** A branch that only goes away: return, continue, break, or a block that ends so. */
const leaves = (n: Node): boolean => {
  if (n.type === 'ReturnStatement' || n.type === 'ContinueStatement' || n.type === 'BreakStatement')
    return true;
  const last = n.type === 'BlockStatement' ? n.body.at(-1) : undefined;
  return last !== undefined && leaves(last);
};

/** `yield* f(...);` as a statement of its own. */
const isStep = (n: Node): boolean =>
  n.type === 'ExpressionStatement' && n.expression.type === 'YieldExpression';
