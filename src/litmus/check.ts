/** Names and types of a whole test: fills the tables of checked.ts, reports what is wrong. */
import type { LitmusTest, Statement } from './ast.ts';
import { checkConditions } from './check-condition.ts';
import type { Body, Context, Variable } from './check-context.ts';
import { checkStatement } from './check-statement.ts';
import { checkThreads } from './check-threads.ts';
import type { CheckedTest } from './checked.ts';
import type { Report } from './errors.ts';

const checkBody = (b: Body, statements: readonly Statement[]): void => {
  for (const s of statements) checkStatement(b, s);
};

/** Checks a test. The result is only good when nothing of severity error was reported. */
export const check = (test: LitmusTest, report: Report): CheckedTest => {
  const globals = new Map<string, Variable>();
  const cx: Context = {
    test,
    report,
    globals,
    types: new Map(),
    bindings: new Map(),
    calls: new Map(),
    uses: new Map(),
  };
  const bodyOf = (
    thread: string | null,
    mode: Body['mode'],
    variables: Map<string, Variable>,
  ): Body => ({
    cx,
    thread,
    mode,
    variables,
    scopes: [new Set()],
    assigned: new Set(),
    kernel: false,
    loops: 0,
  });

  checkBody(bodyOf(null, 'init', globals), test.init.body);
  const variables = new Map<string, Map<string, Variable>>();
  for (const t of test.threads) {
    const own = new Map<string, Variable>();
    checkBody(bodyOf(t.name, t.mode, own), t.body);
    if (!variables.has(t.name)) variables.set(t.name, own);
  }
  const parents = checkThreads(cx);
  checkConditions(cx, variables);

  const namesOf = (...calls: string[]): string[] =>
    [...new Set(calls.flatMap((c) => (cx.uses.get(c) ?? []).map((u) => u.name)))].sort();
  return {
    test,
    globals: [...globals.values()],
    threads: test.threads.map((t) => ({
      name: t.name,
      mode: t.mode,
      index: t.index,
      variables: [...(variables.get(t.name)?.values() ?? [])],
      forkedBy: parents.get(t.name) ?? null,
    })),
    events: namesOf('post', 'await'),
    barriers: namesOf('barrier'),
    locks: namesOf('spin_lock', 'spin_unlock'),
    types: cx.types,
    bindings: cx.bindings,
    calls: cx.calls,
    callNames: [...new Set([...cx.calls.keys()].map((c) => c.name))].sort(),
  };
};
