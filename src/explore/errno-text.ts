/** What a call returned, as C would have it written. */
import * as errnos from '../machine/errno.ts';

const NAMES = new Map<number, string>(Object.entries(errnos).map(([name, value]) => [value, name]));

/** `-ENOMEM` for the negative number of an error, otherwise the number. */
export const errnoText = (value: number): string => {
  const name = value < 0 ? NAMES.get(-value) : undefined;
  return name === undefined ? String(value) : `-${name}`;
};
