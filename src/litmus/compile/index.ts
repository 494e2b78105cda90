/** From a checked test to what the model runs: a program, and its condition. */
import type { CheckedTest } from '../checked.ts';
import type { Instruction, Program } from '../run/program.ts';
import { BodyCompiler, isModelled } from './body.ts';
import { type CompiledCondition, compileCondition } from './condition.ts';
import { layoutOf } from './layout.ts';
import { withForgets } from './liveness.ts';
import { scopesOf } from './scopes.ts';

export type { CompiledCondition, Shown } from './condition.ts';

export interface Compiled {
  readonly program: Program;
  readonly condition: CompiledCondition;
}

/** Constants that calls take and the model does nothing with. */
const UNKNOWN_CONSTANTS: ReadonlySet<string> = new Set(['MAP_SYNC']);

/** Calls and constants of the test that the model has not got, sorted. */
export const notModelled = (checked: CheckedTest): string[] => {
  const calls = checked.callNames.filter((name) => !isModelled(name)).map((name) => `${name}()`);
  const constants = [...checked.bindings.values()]
    .map((b) => (b.kind === 'constant' ? b.name : ''))
    .filter((name) => UNKNOWN_CONSTANTS.has(name));
  return [...new Set([...calls, ...constants])].sort();
};

/** Compiles a test whose calls are all modelled (`notModelled`). */
export const compile = (checked: CheckedTest): Compiled => {
  const layout = layoutOf(checked);
  const compiler = new BodyCompiler(checked, layout);
  const init = compiler.body(-1, checked.test.init.body);
  const entries = checked.test.threads.map((thread, i) => compiler.body(i, thread.body));
  const threads = checked.threads.map((thread, i) => ({
    name: thread.name,
    kernelOnly: thread.mode === 'K',
    entry: entries[i] ?? 0,
    forkedBy:
      thread.forkedBy === null ? -1 : checked.threads.findIndex((t) => t.name === thread.forkedBy),
    process: layout.processOf[i] ?? 0,
  }));
  const condition = compileCondition(checked, layout);
  // Integers of a thread's own that no call gets hold of.
  const code = checked.threads.reduce((before: readonly Instruction[], thread, t) => {
    const candidates = thread.variables
      .filter((v) => v.storage !== 'global' && v.type.kind === 'int')
      .map((v) => layout.place(v, t))
      .flatMap((p) => (p.kind === 'var' && !compiler.escaped.has(p.index) ? [p.index] : []));
    return withForgets(before, entries[t] ?? 0, new Set(candidates), condition.observed);
  }, compiler.code);
  const program: Program = {
    code,
    init,
    threads,
    vars: layout.vars,
    own: layout.own,
    globals: layout.globals,
    assigned: compiler.assigned,
    processes: layout.processes,
    events: checked.events.length,
    barriers: checked.barriers.length,
    barrierSizes: checked.barriers.map((name) => threadsNaming(checked, name)),
    locks: checked.locks.length,
    scopes: scopesOf(checked, layout),
    kmemWords: layout.kmemWords,
    strings: layout.strings,
    counters: condition.counters,
    device: checked.callNames.includes('io_submit'),
  };
  return { program, condition };
};

/** The same program, but it keeps every value: for people who want to see them. */
export const remembering = (program: Program): Program => ({
  ...program,
  code: program.code.map((instruction) => ({ ...instruction, forgets: [] })),
});

/** How many threads come to a barrier: those whose body names it. */
const threadsNaming = (checked: CheckedTest, barrier: string): number => {
  const names = new Set<string>();
  for (const [call] of checked.calls) {
    if (call.name !== 'barrier') continue;
    const arg = call.args[0];
    if (arg?.kind !== 'name' || arg.name !== barrier) continue;
    const thread = checked.test.threads.find(
      (t) => call.span.start >= t.span.start && call.span.end <= t.span.end,
    );
    if (thread !== undefined) names.add(thread.name);
  }
  return names.size;
};
