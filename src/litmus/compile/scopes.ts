/** Which variables and arrays nobody can reach any more once their block has been left or their process has ended. */
import type { Statement } from '../ast.ts';
import type { CheckedTest } from '../checked.ts';
import type { Scoped } from '../run/program.ts';
import type { Layout } from './layout.ts';

/** Names that `statements` declare below their own level. */
const nestedNames = (statements: readonly Statement[]): Set<string> => {
  const found = new Set<string>();
  const walk = (s: Statement, nested: boolean): void => {
    if (s.kind === 'declare') {
      if (nested) found.add(s.name);
      return;
    }
    if (s.kind === 'block') for (const inner of s.body) walk(inner, true);
    if (s.kind === 'if') {
      walk(s.consequent, true);
      if (s.alternate !== null) walk(s.alternate, true);
    }
    if (s.kind === 'for' && s.init !== null) walk(s.init, true);
    if (s.kind === 'while' || s.kind === 'for' || s.kind === 'kernel') walk(s.body, true);
  };
  for (const s of statements) walk(s, false);
  return found;
};

/** Every local and register of every body, and the variables of forked processes. */
export const scopesOf = (checked: CheckedTest, layout: Layout): Scoped[] =>
  checked.threads.flatMap((thread, t) => {
    const nested = nestedNames(checked.test.threads[t]?.body ?? []);
    const own = thread.variables.map((v): Scoped => {
      const place = layout.place(v, t);
      const count = v.type.kind === 'array' ? v.type.length : 1;
      const first = place.kind === 'kmem' ? place.offset : place.index;
      return { thread: t, inKmem: place.kind === 'kmem', first, count, nested: nested.has(v.name) };
    });
    if (thread.forkedBy === null) return own;
    const first = (layout.processOf[t] ?? 0) * layout.globals;
    return [...own, { thread: t, inKmem: false, first, count: layout.globals, nested: false }];
  });
