/** Arguments: each of the kind its parameter wants. */
import type { Expr, Type } from './ast.ts';
import type { Param } from './calls.ts';
import { type Body, lookup, noteUse } from './check-context.ts';
import { constantValue } from './constant-value.ts';
import { CONSTANTS } from './constants.ts';
import { didYouMean } from './suggest.ts';
import { formatType, isInt, isPage, isPages, isUserPointer, pointerTo, UNKNOWN } from './types.ts';

/** Constants joined by `|` must be flags of this parameter. */
const checkFlags = (b: Body, e: Expr, p: Param, call: string): void => {
  if (e.kind === 'binary') {
    checkFlags(b, e.left, p, call);
    checkFlags(b, e.right, p, call);
  } else if (e.kind === 'unary' || e.kind === 'cast') checkFlags(b, e.operand, p, call);
  else if (e.kind === 'name') {
    const constant = CONSTANTS.get(e.name);
    if (
      constant === undefined ||
      lookup(b, e.name) !== undefined ||
      p.families.includes(constant.family)
    )
      return;
    const own = [...CONSTANTS.values()]
      .filter((c) => p.families.includes(c.family))
      .map((c) => c.name);
    b.cx.report(
      'L055',
      e.span,
      `\`${e.name}\` is no value of \`${p.name}\` of ${call}`,
      didYouMean(
        e.name,
        own,
        `${p.families.join(', ')} flags go here: ${own.slice(0, 6).join(', ')}${own.length > 6 ? ', ...' : ''}`,
      ),
    );
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
    if (e.kind !== 'name')
      report(
        'L043',
        e.span,
        `\`${call}\` wants the name of ${p.type === 'event' ? 'an event' : `a ${p.type}`}`,
        `write a plain name: \`${call}(ready)\``,
      );
    else noteUse(b, call, e.name, e.span);
    return;
  }
  if (e.kind !== 'name' || !/^[PK]\d+$/.test(e.name)) {
    report('L043', e.span, `\`${p.name}\` of ${call} is a thread`, 'name its block: `P1`');
    return;
  }
  const name = `${e.name[0] ?? ''}${Number(e.name.slice(1))}`;
  const threads = test.threads.map((t) => t.name);
  if (!threads.includes(name))
    report(
      'L060',
      e.span,
      `there is no thread \`${e.name}\``,
      `threads of this test: ${threads.join(', ')}`,
    );
  else if (e.name.startsWith('K'))
    report('L064', e.span, `\`${e.name}\` is a kernel context, not a thread of a process`);
  else noteUse(b, call, name, e.span);
};

const WANTED: Readonly<Partial<Record<Param['type'], string>>> = {
  int: 'a number',
  size: 'a number of bytes',
  offset: 'a number or NULL',
  flags: 'flags',
  address: 'an address',
  fd: 'a file descriptor',
  handle: 'what the registering call returned',
  fds: '`int p[2]`',
  page: 'a `struct page *`',
  pages: 'an array of `struct page *`, or NULL',
  out: '`&x` of an integer variable',
  string: 'a string',
};

const hintFor = (p: Param, type: Type, e: Expr): string | undefined => {
  if (p.type === 'page' && isPages(type) && e.kind === 'name')
    return `name one of them: \`${e.name}[0]\``;
  if (p.type === 'pages') return 'declare it in the initial block: `struct page *pages[4];`';
  if (p.type === 'fd' && type.kind === 'array' && e.kind === 'name')
    return `a pipe has two ends: \`${e.name}[0]\` reads, \`${e.name}[1]\` writes`;
  if (p.type === 'address' && type.kind === 'array')
    return 'variables are outside the memory that is modelled: mmap a buffer';
  if (p.type === 'address' && isPage(type))
    return 'a page is not an address: give the buffer that was pinned';
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
      return (
        isPages(type) ||
        isNull ||
        (type.kind === 'pointer' && isPage(type.to)) ||
        constantValue(e) === 0
      );
    case 'fds':
      return type.kind === 'array' && isInt(type.of) && type.of.size === 4 && type.length >= 2;
    default:
      return isInt(type);
  }
};

/** One argument against its parameter; `typeOf` types what is an expression. */
export const checkArgument = (
  b: Body,
  e: Expr,
  p: Param,
  call: string,
  typeOf: (e: Expr) => Type,
): void => {
  if (p.type === 'thread' || p.type === 'event' || p.type === 'barrier' || p.type === 'lock') {
    checkNamed(b, e, p, call);
    return;
  }
  if (p.type === 'string' && e.kind === 'string') return;
  if (p.type === 'pages' && checkFilled(b, e, isPage)) return;
  const filled = p.type === 'out' && checkFilled(b, e, isInt);
  if (filled) return;
  if (e.kind === 'string' || p.type === 'out' || p.type === 'string') {
    b.cx.report(
      'L043',
      e.span,
      `\`${p.name}\` of ${call} is ${WANTED[p.type] ?? p.type}`,
      p.type === 'string' ? 'write it in double quotes' : undefined,
    );
    return;
  }
  const type = typeOf(e);
  if (p.type === 'flags' && isInt(type)) {
    checkFlags(b, e, p, call);
    return;
  }
  if (type !== UNKNOWN && !fits(p, type, e))
    b.cx.report(
      'L043',
      e.span,
      `\`${p.name}\` of ${call} is ${WANTED[p.type] ?? p.type}, this is a \`${formatType(type)}\``,
      hintFor(p, type, e),
    );
};
