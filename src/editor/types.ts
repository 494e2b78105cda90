/** What the checker found out about the variables of a text, by symbol. */
import type { Type } from '../litmus/ast.ts';
import type { Param, ParamType } from '../litmus/calls.ts';
import type { VariableInfo } from '../litmus/checked.ts';
import { isInt, isPage, isPages } from '../litmus/types.ts';
import type { Occurrence } from './references.ts';
import type { Source } from './source.ts';

/** The variable of a symbol, if the text lets it be known. */
export const variableOf = (
  source: Source,
  symbol: Pick<Occurrence, 'name' | 'thread'>,
): VariableInfo | undefined => {
  const { globals, threads } = source.checked;
  const among =
    symbol.thread === null
      ? globals
      : (threads.find((t) => t.name === symbol.thread)?.variables ?? []);
  return among.find((v) => v.name === symbol.name);
};

const FITS: Partial<Record<ParamType, (t: Type) => boolean>> = {
  int: isInt,
  size: isInt,
  offset: isInt,
  flags: isInt,
  fd: isInt,
  handle: isInt,
  out: isInt,
  page: isPage,
  pages: isPages,
  fds: (t) => t.kind === 'array' && isInt(t.of),
  address: (t) => t.kind === 'pointer' && !isPage(t),
};

/** Whether a variable of that type is what the parameter wants. */
export const suits = (param: Param, type: Type): boolean => FITS[param.type]?.(type) ?? false;
