/** Statements: declarations, registers, what may be assigned to what, loops and their bounds. */
import type { AssignStatement, DeclareStatement, Expr, IndexExpr, Statement, Type } from './ast.ts';
import { type Body, declare, isFree, lookup, type Variable } from './check-context.ts';
import { checkExpr, decay } from './check-expression.ts';
import { checkPlacement } from './check-placement.ts';
import { constantValue } from './constant-value.ts';
import {
  CHAR_POINTER,
  formatType,
  isInt,
  isPage,
  isUserPointer,
  LONG,
  sameType,
  UNKNOWN,
} from './types.ts';

/** Whether a value of that type may be stored there; 0 and NULL go into every pointer. */
const assignable = (target: Type, value: Type, e: Expr): boolean => {
  if (target === UNKNOWN || value === UNKNOWN) return true;
  if (isInt(target)) return isInt(value);
  if (target.kind !== 'pointer') return false;
  if (constantValue(e) === 0) return true;
  if (isPage(target)) return isPage(value);
  if (!isUserPointer(target) || value.kind !== 'pointer' || !isUserPointer(value))
    return sameType(target, value);
  return target.to.kind === 'void' || value.to.kind === 'void' || sameType(target, value);
};

/** The value on the right side, which must be one. */
const checkValue = (b: Body, e: Expr): Type => {
  checkPlacement(b, e);
  const type = checkExpr(b, e);
  if (type.kind === 'void') {
    b.cx.report(
      'L054',
      e.span,
      e.kind === 'call' ? `\`${e.name}\` returns nothing` : 'this has no value',
    );
    return UNKNOWN;
  }
  return type;
};

const mismatch = (b: Body, e: Expr, target: Type, value: Type): void => {
  const hint =
    isInt(target) && value.kind === 'pointer'
      ? 'declare it as a pointer, or cast: `(unsigned long)p`'
      : `cast: \`(${formatType(target)})...\``;
  b.cx.report(
    'L048',
    e.span,
    `a \`${formatType(value)}\` does not go into a \`${formatType(target)}\``,
    hint,
  );
};

const checkDeclare = (b: Body, s: DeclareStatement): void => {
  // The name is not yet there while its own value is computed.
  const value = s.init === null ? null : checkValue(b, s.init);
  const variable = declare(b, s.name, s.type, s.span);
  if (value === null || s.init === null) {
    b.assigned.delete(variable);
    return;
  }
  b.assigned.add(variable);
  const call = s.init.kind === 'call' ? b.cx.calls.get(s.init) : undefined;
  if (s.type.kind === 'array') {
    if (call?.form.returns !== 'fds' || !sameType(s.type, value))
      b.cx.report(
        'L048',
        s.init.span,
        `an array such as \`${s.name}\` has no initial value`,
        'assign its elements; only `int p[2] = pipe();` is a form of its own',
      );
  } else if (value.kind === 'array' && call?.form.returns === 'fds')
    b.cx.report('L048', s.init.span, 'a pipe has two ends', `write \`int ${s.name}[2] = pipe();\``);
  else if (!assignable(s.type, decay(value), s.init)) mismatch(b, s.init, s.type, decay(value));
};

/** What a register becomes by its first assignment: every number is a long, an address a `char *` unless it has a type. */
const registerType = (value: Type): Type => {
  const t = decay(value);
  if (isInt(t)) return LONG;
  return t.kind === 'pointer' && t.to.kind === 'void' ? CHAR_POINTER : t;
};

/** The variable on the left side; a name nobody declared becomes a register here. */
const targetVariable = (
  b: Body,
  s: AssignStatement,
  name: string,
  value: Type,
): Variable | null => {
  const found = lookup(b, name);
  if (found !== undefined) return found;
  if (!isFree(b, name, s.target.span)) return null;
  if (b.variables.has(name)) {
    b.cx.report(
      'L040',
      s.target.span,
      `\`${name}\` is declared in a block that has ended here`,
      'declare it before that block',
    );
    return null;
  }
  if (b.thread === null) {
    b.cx.report(
      'L040',
      s.target.span,
      `\`${name}\` is not declared`,
      `declare it: \`int ${name} = ...;\`, or \`char *${name} = ...;\``,
    );
    return null;
  }
  const register: Variable = {
    name,
    storage: 'register',
    thread: b.thread,
    type: registerType(value),
    addressTaken: false,
  };
  b.variables.set(name, register);
  return register;
};

const checkAssign = (b: Body, s: AssignStatement): void => {
  const value = checkValue(b, s.value);
  const { target } = s;
  if (target.kind === 'name') {
    const variable = targetVariable(b, s, target.name, value);
    if (variable === null) return;
    b.cx.bindings.set(target, { kind: 'variable', variable });
    b.cx.types.set(target, variable.type);
    if (s.op !== '=' && variable.storage !== 'global' && !b.assigned.has(variable))
      b.cx.report(
        'L044',
        target.span,
        `\`${target.name}\` is read by \`${s.op}\` before anything was assigned to it`,
      );
    b.assigned.add(variable);
    if (variable.type.kind === 'array')
      b.cx.report(
        'L047',
        target.span,
        `\`${target.name}\` is an array`,
        `assign an element: \`${target.name}[0]\``,
      );
    else checkStore(b, s, variable.type, value);
    return;
  }
  checkPlacement(b, target);
  if (target.kind !== 'index' && !(target.kind === 'unary' && target.op === '*')) {
    b.cx.report('L047', target.span, 'this cannot be assigned to');
    return;
  }
  const type = checkExpr(b, target);
  if (target.kind === 'index') checkElement(b, target);
  checkStore(b, s, type, value);
};

/** Arrays of numbers and pointers are a body's own: what threads share is a variable, an array of pages, or memory. */
const checkElement = (b: Body, target: IndexExpr): void => {
  const { base } = target;
  if (b.thread === null || base.kind !== 'name') return;
  const variable = lookup(b, base.name);
  if (variable?.storage !== 'global' || variable.type.kind !== 'array') return;
  if (isPage(variable.type.of)) return;
  b.cx.report(
    'L047',
    target.span,
    `\`${base.name}\` is an array of the initial block, whose elements only that block assigns`,
    'use a variable for each element, or memory: `buf[i]`',
  );
};

const checkStore = (b: Body, s: AssignStatement, target: Type, value: Type): void => {
  const from = decay(value);
  if (s.op === '=') {
    if (!assignable(target, from, s.value)) mismatch(b, s.value, target, from);
  } else if (!isInt(from) || (target.kind === 'pointer' && s.op !== '+=' && s.op !== '-='))
    b.cx.report(
      'L048',
      s.span,
      `\`${s.op}\` does not go with \`${formatType(target)}\` and \`${formatType(from)}\``,
    );
};

/** Names that some statement below assigns. */
const assignedNames = (s: Statement | null, into: Set<string>): Set<string> => {
  if (s === null) return into;
  if (s.kind === 'assign' && s.target.kind === 'name') into.add(s.target.name);
  else if (s.kind === 'if') {
    assignedNames(s.consequent, into);
    assignedNames(s.alternate, into);
  } else if (s.kind === 'while' || s.kind === 'kernel') assignedNames(s.body, into);
  else if (s.kind === 'for') {
    assignedNames(s.body, into);
    assignedNames(s.step, into);
  } else if (s.kind === 'block') for (const x of s.body) assignedNames(x, into);
  return into;
};

/** A test bounds a loop if it, or a part joined by `&&`, compares a name the loop assigns with a constant. */
const bounds = (test: Expr, assigned: ReadonlySet<string>): boolean => {
  if (test.kind !== 'binary') return false;
  if (test.op === '&&') return bounds(test.left, assigned) || bounds(test.right, assigned);
  if (!['<', '<=', '>', '>=', '!='].includes(test.op)) return false;
  const counts = (x: Expr, limit: Expr): boolean =>
    x.kind === 'name' && assigned.has(x.name) && constantValue(limit) !== null;
  return counts(test.left, test.right) || counts(test.right, test.left);
};

const checkLoop = (b: Body, s: Extract<Statement, { kind: 'while' | 'for' }>): void => {
  const assigned = assignedNames(s.body, new Set());
  if (s.kind === 'for') assignedNames(s.step, assigned);
  if (s.test === null || !bounds(s.test, assigned))
    b.cx.report('L057', s.test?.span ?? s.span, 'nothing here bounds how often the loop runs');
  b.scopes.push(new Set());
  if (s.kind === 'for' && s.init !== null) checkStatement(b, s.init);
  b.loops++;
  if (s.test !== null) checkValue(b, s.test);
  checkStatement(b, s.body);
  if (s.kind === 'for' && s.step !== null) checkStatement(b, s.step);
  b.loops--;
  b.scopes.pop();
};

/** Checks one statement and everything below it. */
export const checkStatement = (b: Body, s: Statement): void => {
  switch (s.kind) {
    case 'declare':
      checkDeclare(b, s);
      return;
    case 'assign':
      checkAssign(b, s);
      return;
    case 'call': {
      checkPlacement(b, s.call);
      checkExpr(b, s.call);
      const { form } = b.cx.calls.get(s.call) ?? {};
      if (form?.returns === 'fds')
        b.cx.report(
          'L048',
          s.span,
          'the two ends of the pipe are lost',
          'write `int p[2] = pipe();`',
        );
      return;
    }
    case 'if':
      checkValue(b, s.test);
      checkStatement(b, s.consequent);
      if (s.alternate !== null) checkStatement(b, s.alternate);
      return;
    case 'while':
    case 'for':
      checkLoop(b, s);
      return;
    case 'block':
      b.scopes.push(new Set());
      for (const x of s.body) checkStatement(b, x);
      b.scopes.pop();
      return;
    case 'kernel': {
      const before = b.kernel;
      b.kernel = true;
      checkStatement(b, s.body);
      b.kernel = before;
      return;
    }
    case 'break':
    case 'continue':
      if (b.loops === 0) b.cx.report('L058', s.span, `\`${s.kind}\` stands in no loop`);
      return;
    case 'return':
      if (b.mode === 'init')
        b.cx.report('L053', s.span, '`return` cannot stand in the initial block');
      return;
    case 'empty':
  }
};
