/** Types of expressions. Every node gets a type; where there is an error it gets the most likely one. */
import type { BinaryExpr, Expr, IndexExpr, NameExpr, Type, UnaryExpr } from './ast.ts';
import { checkCall } from './check-call.ts';
import { type Body, lookup, namesInReach } from './check-context.ts';
import { constantValue } from './constant-value.ts';
import { CONSTANTS } from './constants.ts';
import { didYouMean } from './suggest.ts';
import {
  arithmeticType,
  CHAR,
  formatType,
  INT,
  isInt,
  isPage,
  isUserPointer,
  LONG,
  pointerTo,
  promoted,
  UNKNOWN,
  VOID_POINTER,
} from './types.ts';

/** Names of C and POSIX that have no place here, and what to do instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  MAP_FAILED: 'calls return negative error numbers here: ask `buf == -ENOMEM`, or `buf < 0`',
  errno: 'a call returns the negative error number itself: `r0 = munmap(...)`, then `0:r0=-EINVAL`',
  current: 'kernel mode runs on the mm of its own thread; the _remote calls name a thread: `P0`',
};

/** An array as a value is the address of its first element. */
export const decay = (t: Type): Type => (t.kind === 'array' ? pointerTo(t.of) : t);

const checkName = (b: Body, e: NameExpr): Type => {
  const { report, bindings } = b.cx;
  const variable = lookup(b, e.name);
  if (variable !== undefined) {
    bindings.set(e, { kind: 'variable', variable });
    const needsValue = variable.storage !== 'global' && variable.type.kind !== 'array';
    if (needsValue && !b.assigned.has(variable))
      report('L044', e.span, `\`${e.name}\` is read before anything was assigned to it`);
    return variable.type;
  }
  const constant = CONSTANTS.get(e.name);
  if (constant !== undefined) {
    bindings.set(e, { kind: 'constant', name: e.name, value: constant.value });
    if (constant.family === 'NULL') return VOID_POINTER;
    return Math.abs(constant.value) > 0x7fffffff ? LONG : INT;
  }
  if (b.variables.has(e.name))
    report(
      'L040',
      e.span,
      `\`${e.name}\` is declared in a block that has ended here`,
      'declare it before that block',
    );
  else
    report(
      'L040',
      e.span,
      `\`${e.name}\` is not declared`,
      ELSEWHERE[e.name] ?? didYouMean(e.name, namesInReach(b)),
    );
  return UNKNOWN;
};

/** Kernel contexts have no user memory of their own to load from or store to. */
const refuseUserMemory = (b: Body, e: Expr): void => {
  if (b.mode === 'K')
    b.cx.report(
      'L052',
      e.span,
      `${b.thread ?? 'this'} has no address space of its own to read or write`,
      'use page_read and page_write, or a remote call that names a thread',
    );
};

/** What a pointer or array holds; an error for what cannot be read. */
const pointee = (b: Body, base: Type, e: UnaryExpr | IndexExpr, what: string): Type => {
  if (base === UNKNOWN || base.kind === 'array') return base.kind === 'array' ? base.of : UNKNOWN;
  if (base.kind === 'pointer') {
    if (base.to.kind === 'int' || base.to.kind === 'pointer') {
      if (isUserPointer(base)) refuseUserMemory(b, e);
      return base.to;
    }
    if (base.to.kind === 'void')
      b.cx.report(
        'L048',
        e.span,
        `${what} is a \`void *\`: nobody knows what it points to`,
        'declare it `char *`, or cast: `((char *)p)[0]`',
      );
    else
      b.cx.report(
        'L048',
        e.span,
        `${what} is a \`${formatType(base)}\`, not memory`,
        'read the page with page_read(page, off)',
      );
    return CHAR;
  }
  b.cx.report('L048', e.span, `${what} is a \`${formatType(base)}\`, not a pointer`);
  return CHAR;
};

const checkUnary = (b: Body, e: UnaryExpr): Type => {
  const { report } = b.cx;
  if (e.op === '&') {
    const { operand } = e;
    if (operand.kind === 'index') return pointerTo(checkExpr(b, operand));
    if (operand.kind === 'unary' && operand.op === '*') return pointerTo(checkExpr(b, operand));
    report(
      'L048',
      e.span,
      'variables have no address here, only mapped memory has',
      'take `&buf[i]`, or give the variable itself',
    );
    return pointerTo(CHAR);
  }
  const type = decay(checkExpr(b, e.operand));
  if (e.op === '*') return pointee(b, type, e, 'what `*` is applied to');
  if (e.op === '!') return INT;
  if (type === UNKNOWN) return UNKNOWN;
  if (!isInt(type)) {
    report('L048', e.span, `\`${e.op}\` wants a number, this is a \`${formatType(type)}\``);
    return LONG;
  }
  return promoted(type);
};

const isOrder = (op: string): boolean => ['==', '!=', '<', '<=', '>', '>='].includes(op);

const checkBinary = (b: Body, e: BinaryExpr): Type => {
  const { report } = b.cx;
  const left = decay(checkExpr(b, e.left));
  const right = decay(checkExpr(b, e.right));
  if (left === UNKNOWN || right === UNKNOWN) return left === UNKNOWN ? right : left;
  const clash = (hint?: string): void =>
    report(
      'L048',
      e.span,
      `\`${e.op}\` does not go with \`${formatType(left)}\` and \`${formatType(right)}\``,
      hint,
    );
  if (isOrder(e.op) || e.op === '&&' || e.op === '||') {
    if (
      isOrder(e.op) &&
      isPage(left) !== isPage(right) &&
      !(isInt(left) || isInt(right)) &&
      constantValue(e.left) === null &&
      constantValue(e.right) === null
    )
      clash('compare addresses with addresses, pages with pages');
    return INT;
  }
  if (isInt(left) && isInt(right)) {
    if ((e.op === '/' || e.op === '%') && constantValue(e.right) === 0)
      report('L048', e.span, 'division by zero', 'divide by something else');
    const bits = e.op === '<<' || e.op === '>>' ? constantValue(e.right) : null;
    if (bits !== null && (bits < 0 || bits > 63))
      report(
        'L048',
        e.right.span,
        `a shift by ${bits}: numbers have 64 bits`,
        'shift by 0 to 63 bits',
      );
    return e.op === '<<' || e.op === '>>' ? promoted(left) : arithmeticType(left, right);
  }
  if (e.op === '+' || e.op === '-') {
    if (left.kind === 'pointer' && isInt(right)) return left;
    if (e.op === '+' && isInt(left) && right.kind === 'pointer') return right;
    if (e.op === '-' && left.kind === 'pointer' && right.kind === 'pointer') return LONG;
  }
  clash('cast the address to a number first: `(unsigned long)p`');
  return left.kind === 'pointer' ? left : LONG;
};

const checkIndex = (b: Body, e: IndexExpr): Type => {
  const base = checkExpr(b, e.base);
  const index = checkExpr(b, e.index);
  if (!isInt(index))
    b.cx.report('L048', e.index.span, `an index is a number, this is a \`${formatType(index)}\``);
  const at = constantValue(e.index);
  if (base.kind === 'array' && at !== null && (at < 0 || at >= base.length))
    b.cx.report(
      'L056',
      e.index.span,
      `the array has ${base.length} element${base.length === 1 ? '' : 's'}, index ${at} is outside`,
    );
  return pointee(b, base, e, e.base.kind === 'name' ? `\`${e.base.name}\`` : 'what is indexed');
};

const compute = (b: Body, e: Expr): Type => {
  switch (e.kind) {
    case 'number':
      return e.value > 0x7fffffff ? LONG : INT;
    case 'string':
      b.cx.report('L043', e.span, 'a string can only be an argument that is a path or a name');
      return pointerTo(CHAR);
    case 'name':
      return checkName(b, e);
    case 'unary':
      return checkUnary(b, e);
    case 'binary':
      return checkBinary(b, e);
    case 'conditional': {
      checkExpr(b, e.test);
      const a = decay(checkExpr(b, e.consequent));
      const c = decay(checkExpr(b, e.alternate));
      if (isInt(a) && isInt(c)) return arithmeticType(a, c);
      if (isInt(a) !== isInt(c) && a !== UNKNOWN && c !== UNKNOWN)
        b.cx.report('L048', e.span, 'the branches of `?` are a number and an address');
      return a;
    }
    case 'index':
      return checkIndex(b, e);
    case 'cast': {
      const from = decay(checkExpr(b, e.operand));
      if (
        e.type.kind === 'void' ||
        e.type.kind === 'struct' ||
        (isPage(e.type) && isUserPointer(from) && constantValue(e.operand) !== 0) ||
        (isPage(from) && isUserPointer(e.type))
      )
        b.cx.report(
          'L048',
          e.span,
          `a \`${formatType(from)}\` cannot become a \`${formatType(e.type)}\``,
        );
      return e.type;
    }
    case 'call':
      return checkCall(b, e, (argument) => checkExpr(b, argument));
  }
};

/** The type of an expression, noted in the table; binds its names and calls. */
export const checkExpr = (b: Body, e: Expr): Type => {
  const type = compute(b, e);
  b.cx.types.set(e, type);
  return type;
};
