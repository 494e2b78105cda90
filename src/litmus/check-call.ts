/** Calls: the name, where it stands, how many arguments there are. */
import type { CallExpr, Expr, NameExpr, Type } from './ast.ts';
import { CALLS, type CallForm, type CallSpec, type ReturnType } from './calls.ts';
import { checkArgument } from './check-argument.ts';
import type { Body } from './check-context.ts';
import { constantValue } from './constant-value.ts';
import { didYouMean } from './suggest.ts';
import { INT, LONG, PAGE_POINTER, UNKNOWN, VOID, VOID_POINTER } from './types.ts';

const RETURNS: Readonly<Record<ReturnType, Type>> = {
  void: VOID,
  int: LONG,
  fd: INT,
  handle: INT,
  byte: LONG,
  pointer: VOID_POINTER,
  page: PAGE_POINTER,
  fds: { kind: 'array', of: INT, length: 2 },
};

/** Calls that only make sense between threads: not in the initial block, which runs alone. */
const NOT_IN_INIT: ReadonlySet<string> = new Set([
  'fork',
  'wait',
  'exit',
  'await',
  'barrier',
  'kill',
]);

/** Libc names for what the language has under the system call's name, or not at all. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  waitpid: 'write `wait(P1)`',
  printf: 'registers are printed anyway: ask for them in the condition or with `locations [...]`',
  malloc:
    'map memory: `mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)`',
  memset: 'store the bytes: `buf[0] = 1;`, in a `for` loop if there are many',
  memcpy: 'copy the bytes in a `for` loop',
  sleep: 'there is no time: order threads with `post` and `await`',
  usleep: 'there is no time: order threads with `post` and `await`',
  sched_yield: 'every interleaving is explored anyway',
  assert: 'ask for it in the condition',
  _exit: 'write `exit()`',
  kthread_run: 'write a `K0() { ... }` block',
};

const checkPlace = (b: Body, e: CallExpr, spec: CallSpec): void => {
  const { report } = b.cx;
  const inKernel = b.kernel || b.mode === 'K';
  if (spec.where === 'kernel' && !inKernel)
    report(
      'L050',
      e.span,
      `\`${e.name}\` is a call of the kernel, and ${b.thread ?? 'the initial block'} is in user mode here`,
      `write \`kernel: ${e.name}(...)\``,
    );
  if (spec.where === 'user' && inKernel)
    report(
      'L051',
      e.span,
      `\`${e.name}\` is a system call, and ${b.thread ?? 'this'} is in kernel mode here`,
    );
  if (b.mode === 'init' && NOT_IN_INIT.has(e.name))
    report(
      'L053',
      e.span,
      `\`${e.name}\` cannot stand in the initial block, which runs alone before the threads`,
    );
  const [form] = spec.forms;
  const ownMemory =
    form?.params.some((p) => p.type === 'address') === true && form.params[0]?.type !== 'thread';
  if (b.mode === 'K' && ownMemory && (spec.group === 'get' || spec.group === 'pin'))
    report(
      'L052',
      e.span,
      `\`${e.name}\` works on current->mm, and ${b.thread ?? 'a kernel context'} has none`,
    );
};

const plural = (n: number): string => `${n} argument${n === 1 ? '' : 's'}`;

/** The form with as many parameters as there are arguments. */
const chooseForm = (b: Body, e: CallExpr, spec: CallSpec): CallForm | null => {
  const form = spec.forms.find((f) => f.params.length === e.args.length);
  if (form !== undefined) return form;
  const counts = spec.forms.map((f) => f.params.length).join(' or ');
  b.cx.report(
    'L042',
    e.span,
    `\`${e.name}\` takes ${counts} ${counts === '1' ? 'argument' : 'arguments'}, here are ${e.args.length}`,
    `the signature: ${spec.forms.map((f) => f.signature).join(' or ')}`,
  );
  return null;
};

/** A constant count must not be larger than the array that the pages go to. */
const checkCount = (b: Body, e: CallExpr, form: CallForm): void => {
  const at = form.params.findIndex((p) => p.type === 'pages');
  const array = e.args[at];
  const count = form.params.findIndex((p) => /^(nr_pages|npages|nfolios|max_folios)$/.test(p.name));
  const n = e.args[count];
  if (array === undefined || n === undefined) return;
  const place = placeIn(array);
  const type = place === null ? undefined : b.cx.types.get(place.array);
  const value = constantValue(n);
  if (place === null || type?.kind !== 'array' || value === null) return;
  const {
    array: { name },
    from,
  } = place;
  if (from + value > type.length)
    b.cx.report(
      'L056',
      n.span,
      `${plural(value).replace('argument', 'page')} do not go into \`${name}\`${from === 0 ? '' : ` from element ${from} on`}, which has ${type.length} element${type.length === 1 ? '' : 's'}`,
    );
};

/** `pages`, `pages + 1`, `&pages[1]`: the array and the element; null for anything else. */
const placeIn = (e: Expr): { readonly array: NameExpr; readonly from: number } | null => {
  if (e.kind === 'name') return { array: e, from: 0 };
  const [base, index] =
    e.kind === 'binary' && e.op === '+'
      ? [e.left, e.right]
      : e.kind === 'unary' && e.op === '&' && e.operand.kind === 'index'
        ? [e.operand.base, e.operand.index]
        : [null, null];
  const from = index === null ? null : constantValue(index);
  return base?.kind === 'name' && from !== null ? { array: base, from } : null;
};

/** Checks a call and gives the type of its value; `typeOf` types the arguments that are expressions. */
export const checkCall = (b: Body, e: CallExpr, typeOf: (e: Expr) => Type): Type => {
  const spec = CALLS.get(e.name);
  if (spec === undefined) {
    b.cx.report(
      'L041',
      e.span,
      `there is no call \`${e.name}\``,
      ELSEWHERE[e.name] ?? didYouMean(e.name, CALLS.keys()),
    );
    for (const a of e.args) if (a.kind !== 'string' && a.kind !== 'name') typeOf(a);
    return UNKNOWN;
  }
  checkPlace(b, e, spec);
  const form = chooseForm(b, e, spec);
  if (form === null) return RETURNS[spec.forms[0]?.returns ?? 'int'];
  form.params.forEach((p, i) => {
    const arg = e.args[i];
    if (arg !== undefined) checkArgument(b, arg, p, e.name, typeOf);
  });
  checkCount(b, e, form);
  b.cx.calls.set(e, { spec, form, inKernel: b.kernel || b.mode === 'K' });
  return RETURNS[form.returns];
};
