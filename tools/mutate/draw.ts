/** A sample that anybody can draw again. */
import { createHash } from 'node:crypto';

/**
 * `size` of `all`, drawn with `seed`: those whose hashes come first. A larger sample holds the smaller one, and mutants
 * that come and go with the source leave the others where they were.
 */
export const draw = <T extends { readonly id: string }>(
  all: readonly T[],
  size: number,
  seed: number,
): T[] =>
  all
    .map((one) => ({
      one,
      at: createHash('sha256').update(`${seed} ${one.id}`).digest('hex'),
    }))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .slice(0, size)
    .map(({ one }) => one);
