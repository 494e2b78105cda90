/** Which expressions and locals are booleans; all others that live in a frame are int32. */
import type { Expression } from './ast.ts';
import type { Module, Modules } from './modules.ts';
import type { Local, Names } from './scope.ts';

const COMPARISONS = new Set(['===', '!==', '==', '!=', '<', '<=', '>', '>=', 'in', 'instanceof']);

/** Whether an expression is a boolean by its syntax and the declared results of the functions it calls. */
export function isBoolean(e: Expression, modules: Modules, module: Module, names: Names): boolean {
  const also = (x: Expression) => isBoolean(x, modules, module, names);
  switch (e.type) {
    case 'ParenthesizedExpression':
    case 'TSNonNullExpression':
    case 'TSSatisfiesExpression':
      return also(e.expression);
    case 'TSAsExpression':
      return (
        e.typeAnnotation.type === 'TSBooleanKeyword' ||
        (e.typeAnnotation.type === 'TSTypeReference' && also(e.expression))
      );
    case 'Literal':
      return typeof e.value === 'boolean';
    case 'UnaryExpression':
      return e.operator === '!';
    case 'BinaryExpression':
      return COMPARISONS.has(e.operator);
    case 'LogicalExpression':
      // Of mixed type it could not be used as a number.
      return also(e.left) || also(e.right);
    case 'ConditionalExpression':
      return also(e.consequent) && also(e.alternate);
    case 'YieldExpression':
      return e.argument !== null && also(e.argument);
    case 'CallExpression':
      if (e.callee.type !== 'Identifier') return false;
      return modules.routine(module, e.callee.name)?.result === 'boolean';
    case 'Identifier': {
      const local = names.get(e);
      return local !== undefined && isBooleanLocal(local, modules, module, names);
    }
    default:
      return false;
  }
}

export function isBooleanLocal(
  local: Local,
  modules: Modules,
  module: Module,
  names: Names,
): boolean {
  if (local.annotation !== null) return local.annotation.type === 'TSBooleanKeyword';
  return local.init !== null && isBoolean(local.init, modules, module, names);
}
