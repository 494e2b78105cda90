/** Walks over expressions. */
import type { Expr, Span } from './ast.ts';

/** Every name in an expression. */
export const namesIn = (e: Expr): { name: string; span: Span }[] => {
  switch (e.kind) {
    case 'name':
      return [e];
    case 'unary':
    case 'cast':
      return namesIn(e.operand);
    case 'binary':
      return [...namesIn(e.left), ...namesIn(e.right)];
    case 'index':
      return [...namesIn(e.base), ...namesIn(e.index)];
    case 'conditional':
      return [...namesIn(e.test), ...namesIn(e.consequent), ...namesIn(e.alternate)];
    default:
      return [];
  }
};

/** The first call or string in an expression, or null. */
export const firstCall = (e: Expr): Expr | null => {
  if (e.kind === 'call' || e.kind === 'string') return e;
  if (e.kind === 'unary' || e.kind === 'cast') return firstCall(e.operand);
  if (e.kind === 'binary') return firstCall(e.left) ?? firstCall(e.right);
  if (e.kind === 'index') return firstCall(e.base) ?? firstCall(e.index);
  if (e.kind === 'conditional')
    return firstCall(e.test) ?? firstCall(e.consequent) ?? firstCall(e.alternate);
  return null;
};
