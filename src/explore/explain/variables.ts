/** The variables of a test in the words of the machine, and addresses by the variable that leads to them. */
import type { Type } from '../../litmus/ast.ts';
import type { CheckedTest, VariableInfo } from '../../litmus/checked.ts';
import { isPage, layoutOf } from '../../litmus/compile/layout.ts';
import type { Lit } from '../../litmus/run/program.ts';
import { getVar } from '../../litmus/run/values.ts';
import type { Vpn } from '../../machine/types.ts';

export interface Slot {
  /** As the test writes it: `buf`, `p[1]`, `pages[0]`. */
  readonly name: string;
  readonly type: Type;
  /** Thread that alone has it; -1: the process's. */
  readonly thread: number;
  readonly process: number;
}

const PAGE_SIZE = 4096;
/** How far behind a variable's address a page still is said to be the variable's: 1 GiB. */
const REACH = 1 << 18;

export class Variables {
  /** By pair of words in `lit.vars`, and by word behind `lit.kmem`. */
  readonly vars = new Map<number, Slot>();
  readonly kmem = new Map<number, Slot>();
  readonly #pointers: { readonly index: number; readonly slot: Slot }[] = [];

  constructor(checked: CheckedTest) {
    const layout = layoutOf(checked);
    const add = (variable: VariableInfo, thread: number, process: number, at: number): void => {
      const { type, name } = variable;
      const of = type.kind === 'array' ? type.of : type;
      const length = type.kind === 'array' ? type.length : 1;
      const place = layout.place(variable, at);
      for (let i = 0; i < length; i++) {
        const slot = {
          name: type.kind === 'array' ? `${name}[${i}]` : name,
          type: of,
          thread,
          process,
        };
        if (place.kind === 'kmem') {
          this.kmem.set(place.offset + i, slot);
        } else {
          this.vars.set(place.index + i, slot);
          if (of.kind === 'pointer' && !isPage(of))
            this.#pointers.push({ index: place.index + i, slot });
        }
      }
    };
    for (let process = 0; process < layout.processes; process++) {
      const thread = Math.max(0, layout.processOf.indexOf(process));
      for (const variable of checked.globals) add(variable, -1, process, thread);
    }
    for (const [t, thread] of checked.threads.entries())
      for (const variable of thread.variables) add(variable, t, layout.processOf[t] ?? 0, t);
  }

  /** `buf`, `buf+PAGE_SIZE`, `buf+3*PAGE_SIZE`; null: no variable leads there. */
  nameOf(k: Lit, vpn: Vpn, process: number): string | null {
    let best: { name: string; base: number; own: boolean } | null = null;
    for (const { index, slot } of this.#pointers) {
      const base = Math.floor(getVar(k, index) / PAGE_SIZE);
      if (base <= 0 || base > vpn || vpn - base >= REACH) continue;
      const own = slot.process === process;
      if (best !== null && (best.base > base || (best.base === base && (best.own || !own))))
        continue;
      best = { name: slot.name, base, own };
    }
    return best === null ? null : offset(best.name, vpn - best.base);
  }
}

/** A page some pages behind a named one. */
export const offset = (name: string, pages: number): string => {
  if (pages === 0) return name;
  return pages === 1 ? `${name}+PAGE_SIZE` : `${name}+${pages}*PAGE_SIZE`;
};
