/** Bodies in C: each statement after a mark of its line, with its own text beside it where the C differs. */
import type { CallExpr, Expr, Statement } from '../litmus/ast.ts';
import type { ParamType } from '../litmus/calls.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { printExpr } from '../litmus/printer.ts';
import { formatType } from '../litmus/types.ts';
import { cDeclaration, emitExpr, type Place } from './emit-expression.ts';
import type { Processes } from './processes.ts';

/** Calls whose first thread may be left out: then the caller's own process is meant. */
const OPTIONAL_PROCESS = new Set(['migrate', 'khugepaged', 'swap_in']);

export interface Body {
  readonly lines: readonly string[];
  /** Names of snippets that the calls need. */
  readonly snippets: readonly string[];
}

/** The body of thread `thread` (-1: the initial block), indented by two. */
export const emitBody = (
  checked: CheckedTest,
  processes: Processes,
  thread: number,
  statements: readonly Statement[],
): Body => {
  const snippets = new Set<string>();
  const process = thread < 0 ? 0 : (processes.of[thread] ?? 0);

  const argument = (e: Expr, type: ParamType): string => {
    if (e.kind === 'name') {
      if (type === 'thread') return `THREAD_${e.name}`;
      if (type === 'event') return `EVENT_${e.name}`;
      if (type === 'barrier') return `BARRIER_${e.name}`;
    }
    if (type === 'offset') return e.kind === 'name' && e.name === 'NULL' ? '-1' : emit(e);
    if (type === 'address') {
      const of = checked.types.get(e);
      return of?.kind === 'int' && !(e.kind === 'name' && e.name === 'NULL')
        ? `(void *)(long)(${emit(e)})`
        : emit(e);
    }
    return emit(e);
  };

  const call = (c: CallExpr): string => {
    const params = checked.calls.get(c)?.form.params ?? [];
    const args = c.args.map((a, i) => argument(a, params[i]?.type ?? 'int'));
    let name = c.name;
    if ((name === 'read' && args.length === 2) || (name === 'pread' && args.length === 3))
      name += '_value';
    if (name === 'open' && args.length === 2) args.push('0600');
    if (name === 'mremap' && args.length === 4) args.push('NULL');
    if (name === 'exit') args.push(String(process));
    if (OPTIONAL_PROCESS.has(name) && name === 'migrate')
      args.splice(
        0,
        args.length === 3 ? 1 : 0,
        args.length === 3 ? `shared->pid[process_of[${args[0]}]]` : '0',
      );
    if (name === 'migrate' && args.length === 2) args.unshift('0');
    snippets.add(name);
    return `sys_${name}(${args.join(', ')})`;
  };

  const place: Place = { global: (n) => `g->${n}`, own: (n) => `my->${n}`, call };
  const emit = (e: Expr): string => emitExpr(checked, place, e);

  const simple = (
    s: Extract<Statement, { kind: 'declare' | 'assign' | 'call' }>,
  ): { c: string; text: string } | null => {
    if (s.kind === 'call') return { c: emit(s.call), text: printExpr(s.call) };
    if (s.kind === 'declare') {
      if (s.init === null) return null;
      const target = thread < 0 ? `g->${s.name}` : `my->${s.name}`;
      const text = `${formatType(s.type, s.name)} = ${printExpr(s.init)}`;
      if (s.type.kind === 'array')
        return { c: call({ ...s.init, args: [] } as CallExpr).replace('()', `(${target})`), text };
      return { c: `${target} = ${converted(s.init, s.type.kind)}`, text };
    }
    const targetType = checked.types.get(s.target)?.kind ?? 'int';
    const set = isRegister(checked, s.target) ? `, my->has_${printExpr(s.target)} = 1` : '';
    return {
      c: `${emit(s.target)} ${s.op} ${s.op === '=' ? converted(s.value, targetType) : emit(s.value)}${set}`,
      text: `${printExpr(s.target)} ${s.op} ${printExpr(s.value)}`,
    };
  };

  /** A pointer kept in an integer variable, or the other way round. */
  const converted = (e: Expr, target: string): string => {
    const value = checked.types.get(e)?.kind ?? 'int';
    if (target === 'int' && value === 'pointer') return `(long)${emit(e)}`;
    if (target === 'pointer' && value === 'int' && !(e.kind === 'name' && e.name === 'NULL'))
      return `(void *)(long)(${emit(e)})`;
    return emit(e);
  };

  const block = (s: Statement, indent: string): string[] => {
    const inner = s.kind === 'block' ? s.body : [s];
    return inner.flatMap((x) => statement(x, `${indent}  `));
  };

  const statement = (s: Statement, indent: string): string[] => {
    const mark = `${indent}at(${s.span.line});`;
    switch (s.kind) {
      case 'declare':
      case 'assign':
      case 'call': {
        const done = simple(s);
        if (done === null) return [];
        return [
          `${indent}/* ${s.span.line}: ${done.text.replaceAll('*/', '* /')}; */`,
          mark,
          `${indent}${done.c};`,
        ];
      }
      case 'block':
        return [`${indent}{`, ...block(s, indent), `${indent}}`];
      case 'kernel':
        return statement(s.body, indent);
      case 'if': {
        const head = [mark, `${indent}if (${emit(s.test)}) {`, ...block(s.consequent, indent)];
        if (s.alternate === null) return [...head, `${indent}}`];
        return [...head, `${indent}} else {`, ...block(s.alternate, indent), `${indent}}`];
      }
      case 'while':
        return [mark, `${indent}while (${emit(s.test)}) {`, ...block(s.body, indent), `${indent}}`];
      case 'for': {
        const init = s.init === null ? '' : (simple(s.init)?.c ?? '');
        const test = s.test === null ? '' : ` ${emit(s.test)}`;
        const step = s.step === null ? '' : ` ${simple(s.step)?.c ?? ''}`;
        return [
          mark,
          `${indent}for (${init};${test};${step}) {`,
          ...block(s.body, indent),
          `${indent}}`,
        ];
      }
      case 'break':
      case 'continue':
      case 'return':
        return [`${indent}${s.kind};`];
      case 'empty':
        return [];
    }
  };

  const lines = statements.flatMap((s) => statement(s, '  '));
  return { lines, snippets: [...snippets] };
};

/** A register: it has no value until it is assigned one. */
export const isRegister = (checked: CheckedTest, e: Expr): boolean => {
  const binding = e.kind === 'name' ? checked.bindings.get(e) : undefined;
  return binding?.kind === 'variable' && binding.variable.storage === 'register';
};

/** Members of a struct that holds variables; `struct page *` has no meaning in user space. */
export const members = (
  variables: readonly {
    readonly name: string;
    readonly type: Parameters<typeof cDeclaration>[0];
    readonly storage: string;
  }[],
): string[] => {
  const held = variables.filter(({ type }) => !formatType(type, 'x').startsWith('struct'));
  return held.length === 0
    ? ['  char nothing;']
    : held.flatMap((v) => [
        `  ${cDeclaration(v.type, v.name)};`,
        ...(v.storage === 'register' ? [`  char has_${v.name};`] : []),
      ]);
};
