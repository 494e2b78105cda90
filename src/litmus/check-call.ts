/** Calls: the name, where it stands, how many arguments, each of its kind. */
import type { CallExpr, Expr, Type } from './ast.ts';
import { CALLS, type CallForm, type CallSpec, type Param, type ReturnType } from './calls.ts';
import { type Body, lookup, noteUse } from './check-context.ts';
import { checkExpr } from './check-expression.ts';
import { constantValue } from './constant-value.ts';
import { CONSTANTS } from './constants.ts';
import { didYouMean } from './suggest.ts';
import { formatType, INT, isInt, isPage, isPages, isUserPointer, LONG, PAGE_POINTER, pointerTo, UNKNOWN, VOID, VOID_POINTER } from './types.ts';

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
const NOT_IN_INIT: ReadonlySet<string> = new Set(['fork', 'wait', 'exit', 'await', 'barrier', 'kill']);

/** Libc names for what the language has under the system call's name, or not at all. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  waitpid: 'write `wait(P1)`',
  printf: 'registers are printed anyway: ask for them in the condition or with `locations [...]`',
  malloc: 'map memory: `mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)`',
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
    report('L050', e.span, `\`${e.name}\` is a call of the kernel, and ${b.thread ?? 'the initial block'} is in user mode here`, `write \`kernel: ${e.name}(...)\``);
  if (spec.where === 'user' && inKernel)
    report('L051', e.span, `\`${e.name}\` is a system call, and ${b.thread ?? 'this'} is in kernel mode here`);
  if (b.mode === 'init' && NOT_IN_INIT.has(e.name))
    report('L053', e.span, `\`${e.name}\` cannot stand in the initial block, which runs alone before the threads`);
  const [form] = spec.forms;
  const ownMemory = form?.params.some((p) => p.type === 'address') === true && form.params[0]?.type !== 'thread';
  if (b.mode === 'K' && ownMemory && (spec.group === 'get' || spec.group === 'pin'))
    report('L052', e.span, `\`${e.name}\` works on current->mm, and ${b.thread ?? 'a kernel context'} has none`);
};

const plural = (n: number): string => `${n} argument${n === 1 ? '' : 's'}`;

/** The form with as many parameters as there are arguments. */
const chooseForm = (b: Body, e: CallExpr, spec: CallSpec): CallForm | null => {
  const form = spec.forms.find((f) => f.params.length === e.args.length);
  if (form !== undefined) return form;
  const counts = spec.forms.map((f) => f.params.length).join(' or ');
  b.cx.report('L042', e.span, `\`${e.name}\` takes ${counts} ${counts === '1' ? 'argument' : 'arguments'}, here are ${e.args.length}`, `the signature: ${spec.forms.map((f) => f.signature).join(' or ')}`);
  return null;
};

/** Constants joined by `|` must be flags of this parameter. */
const checkFlags = (b: Body, e: Expr, p: Param, call: string): void => {
  if (e.kind === 'binary') {
    checkFlags(b, e.left, p, call);
    checkFlags(b, e.right, p, call);
  } else if (e.kind === 'unary' || e.kind === 'cast') checkFlags(b, e.operand, p, call);
  else if (e.kind === 'name') {
    const constant = CONSTANTS.get(e.name);
    if (constant === undefined || lookup(b, e.name) !== undefined || p.families.includes(constant.family)) return;
    const own = [...CONSTANTS.values()].filter((c) => p.families.includes(c.family)).map((c) => c.name);
    b.cx.report('L055', e.span, `\`${e.name}\` is no value of \`${p.name}\` of ${call}`, didYouMean(e.name, own, `${p.families.join(', ')} flags go here: ${own.slice(0, 6).join(', ')}${own.length > 6 ? ', ...' : ''}`));
  }
};

/** `&x` of a variable, as an argument that the call fills. */
const checkFilled = (b: Body, e: Expr, fits: (t: Type) => boolean): boolean => {
  if (e.kind !== 'unary' || e.op !== '&' || e.operand.kind !== 'name') return false;
  const variable = lookup(b, e.operand.name);
  if (variable === undefined || !fits(variable.type)) return false;
  variable.addressTaken = true;
  b.assigned.add(variable);
  b.cx.types.set(e.operand, variable.type);
  b.cx.types.set(e, pointerTo(variable.type));
  b.cx.bindings.set(e.operand, { kind: 'variable', variable });
  return true;
};

/** A name of another name space: thread, event, barrier, lock. */
const checkNamed = (b: Body, e: Expr, p: Param, call: string): void => {
  const { report, test } = b.cx;
  if (p.type !== 'thread') {
    if (e.kind !== 'name') report('L043', e.span, `\`${call}\` wants the name of ${p.type === 'event' ? 'an event' : `a ${p.type}`}`, `write a plain name: \`${call}(ready)\``);
    else noteUse(b, call, e.name, e.span);
    return;
  }
  if (e.kind !== 'name' || !/^[PK]\d+$/.test(e.name)) {
    report('L043', e.span, `\`${p.name}\` of ${call} is a thread`, 'name its block: `P1`');
    return;
  }
  const name = `${e.name[0] ?? ''}${Number(e.name.slice(1))}`;
  const threads = test.threads.map((t) => t.name);
  if (!threads.includes(name)) report('L060', e.span, `there is no thread \`${e.name}\``, `threads of this test: ${threads.join(', ')}`);
  else if (e.name.startsWith('K')) report('L064', e.span, `\`${e.name}\` is a kernel context, not a thread of a process`);
  else noteUse(b, call, name, e.span);
};

const WANTED: Readonly<Partial<Record<Param['type'], string>>> = {
  int: 'a number', size: 'a number of bytes', offset: 'a number or NULL', flags: 'flags', address: 'an address',
  fd: 'a file descriptor', handle: 'what the registering call returned', fds: '`int p[2]`',
  page: 'a `struct page *`', pages: 'an array of `struct page *`, or NULL', out: '`&x` of an integer variable',
  string: 'a string',
}; // prettier-ignore

const hintFor = (p: Param, type: Type, e: Expr): string | undefined => {
  if (p.type === 'page' && isPages(type) && e.kind === 'name') return `name one of them: \`${e.name}[0]\``;
  if (p.type === 'pages') return 'declare it in the initial block: `struct page *pages[4];`';
  if (p.type === 'fd' && type.kind === 'array' && e.kind === 'name') return `a pipe has two ends: \`${e.name}[0]\` reads, \`${e.name}[1]\` writes`;
  if (p.type === 'address' && type.kind === 'array') return 'variables are outside the memory that is modelled: mmap a buffer';
  if (p.type === 'address' && isPage(type)) return 'a page is not an address: give the buffer that was pinned';
  if (p.type === 'string') return 'write it in double quotes';
  return undefined;
};

const fits = (p: Param, type: Type, e: Expr): boolean => {
  const isNull = e.kind === 'name' && e.name === 'NULL';
  switch (p.type) {
    case 'offset':
      return isInt(type) || isNull;
    case 'address':
      return isInt(type) || isUserPointer(type);
    case 'page':
      return isPage(type);
    case 'pages':
      return isPages(type) || isNull || (type.kind === 'pointer' && isPage(type.to)) || constantValue(e) === 0;
    case 'fds':
      return type.kind === 'array' && isInt(type.of) && type.of.size === 4 && type.length >= 2;
    default:
      return isInt(type);
  }
};

const checkArgument = (b: Body, e: Expr, p: Param, call: string): void => {
  if (p.type === 'thread' || p.type === 'event' || p.type === 'barrier' || p.type === 'lock') return checkNamed(b, e, p, call);
  if (p.type === 'string' && e.kind === 'string') return;
  if (p.type === 'pages' && checkFilled(b, e, isPage)) return;
  const filled = p.type === 'out' && checkFilled(b, e, isInt);
  if (filled) return;
  if (e.kind === 'string' || p.type === 'out' || p.type === 'string') {
    b.cx.report('L043', e.span, `\`${p.name}\` of ${call} is ${WANTED[p.type] ?? p.type}`, p.type === 'string' ? 'write it in double quotes' : undefined);
    return;
  }
  const type = checkExpr(b, e);
  if (p.type === 'flags' && isInt(type)) return checkFlags(b, e, p, call);
  if (type !== UNKNOWN && !fits(p, type, e))
    b.cx.report('L043', e.span, `\`${p.name}\` of ${call} is ${WANTED[p.type] ?? p.type}, this is a \`${formatType(type)}\``, hintFor(p, type, e));
};

/** A constant count must not be larger than the array that the pages go to. */
const checkCount = (b: Body, e: CallExpr, form: CallForm): void => {
  const at = form.params.findIndex((p) => p.type === 'pages');
  const array = e.args[at];
  const count = form.params.findIndex((p) => /^(nr_pages|npages|nfolios|max_folios)$/.test(p.name));
  const n = e.args[count];
  if (array?.kind !== 'name' || n === undefined) return;
  const type = b.cx.types.get(array);
  const value = constantValue(n);
  if (type?.kind === 'array' && value !== null && value > type.length)
    b.cx.report('L056', n.span, `${plural(value).replace('argument', 'page')} do not go into \`${array.name}\`, which has ${type.length} element${type.length === 1 ? '' : 's'}`);
};

/** Checks a call and gives the type of its value. */
export const checkCall = (b: Body, e: CallExpr): Type => {
  const spec = CALLS.get(e.name);
  if (spec === undefined) {
    b.cx.report('L041', e.span, `there is no call \`${e.name}\``, ELSEWHERE[e.name] ?? didYouMean(e.name, CALLS.keys()));
    for (const a of e.args) if (a.kind !== 'string' && a.kind !== 'name') checkExpr(b, a);
    return UNKNOWN;
  }
  checkPlace(b, e, spec);
  const form = chooseForm(b, e, spec);
  if (form === null) return RETURNS[spec.forms[0]?.returns ?? 'int'];
  form.params.forEach((p, i) => {
    const arg = e.args[i];
    if (arg !== undefined) checkArgument(b, arg, p, e.name);
  });
  checkCount(b, e, form);
  b.cx.calls.set(e, { spec, form, inKernel: b.kernel || b.mode === 'K' });
  return RETURNS[form.returns];
};
