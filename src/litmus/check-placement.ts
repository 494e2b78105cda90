/** Calls stand where their order is clear: first in their expression, which is what lets them run first. */
import type { Expr } from './ast.ts';
import type { Body } from './check-context.ts';

/** Where calls may stand: one an expression, always run, never an argument. */
export const checkPlacement = (b: Body, root: Expr): void => {
  let calls = 0;
  const visit = (e: Expr, lazy: boolean, inside: string | null): void => {
    switch (e.kind) {
      case 'call':
        if (inside !== null)
          b.cx.report('L049', e.span, `\`${e.name}\` stands among the arguments of \`${inside}\``);
        else if (lazy)
          b.cx.report(
            'L049',
            e.span,
            `\`${e.name}\` runs or not, depending on what stands before it`,
            'use `if` for the part before it',
          );
        else if (++calls > 1)
          b.cx.report('L049', e.span, `\`${e.name}\` is the second call in one expression`);
        for (const a of e.args) visit(a, lazy, e.name);
        return;
      case 'unary':
      case 'cast':
        visit(e.operand, lazy, inside);
        return;
      case 'index':
        visit(e.base, lazy, inside);
        visit(e.index, lazy, inside);
        return;
      case 'binary':
        visit(e.left, lazy, inside);
        visit(e.right, lazy || e.op === '&&' || e.op === '||', inside);
        return;
      case 'conditional':
        visit(e.test, lazy, inside);
        visit(e.consequent, true, inside);
        visit(e.alternate, true, inside);
        return;
      default:
    }
  };
  visit(root, false, null);
};
