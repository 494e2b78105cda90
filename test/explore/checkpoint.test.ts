/** A search that is kept on disk goes on where it stood, and finds what it would have found. */
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Checker } from '../../src/explore/check.ts';
import { Keeper } from '../../src/explore/checkpoint.ts';
import type { SearchProgress } from '../../src/explore/limits.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { parse } from '../../src/litmus/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pinfold-checkpoint-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const FORK = readFileSync(join(import.meta.dirname, '../../bench/litmus/fork.litmus'), 'utf8');

const explore = (path: string | null, poll: (at: SearchProgress) => boolean, unreduced = false) => {
  const { checked } = parse(FORK, 'fork.litmus');
  if (checked === undefined) throw new Error('the test must parse');
  return new Checker(checked).explore(rulesFor('5.10'), {
    unreduced,
    keeper: path === null ? undefined : new Keeper(path, 3_600_000),
    limits: { poll },
  });
};

describe.each([false, true])('unreduced: %s', (unreduced) => {
  test('interrupted again and again, it ends with what the search in one go finds', () => {
    const whole = explore(null, () => false, unreduced);
    const path = join(scratch, `fork-${unreduced}`);
    const seen: number[] = [];
    for (let interrupts = 0; ; interrupts++) {
      let looks = 0;
      const found = explore(
        path,
        ({ states }) => {
          if (looks++ === 0) seen.push(states);
          return looks > 1;
        },
        unreduced,
      );
      if (found.observation !== 'Incomplete') {
        // What is learned on the way is learned at other moments: the reduced search may take a few steps more or less.
        expect(found).toEqual(unreduced ? whole : { ...whole, explored: found.explored });
        expect(interrupts).toBeGreaterThan(1);
        break;
      }
      expect(found.reason).toBe('interrupted');
    }
    // Each run begins where the one before it had come to.
    expect(seen.at(-1)).toBeGreaterThan(seen[0] ?? 0);
    // Nothing is left.
    expect(new Keeper(path, 0).kept()).toBeNull();
  });
});

test('a file that was cut off, or is another, is not gone on from', () => {
  const path = join(scratch, 'cut');
  explore(path, () => true, true);
  expect(new Keeper(path, 0).kept()).not.toBeNull();
  truncateSync(path, statSync(path).size / 2);
  expect(new Keeper(path, 0).kept()).toBeNull();
  expect(explore(path, () => false, true)).toEqual(explore(null, () => false, true));
  expect(new Keeper(join(import.meta.dirname, 'checkpoint.test.ts'), 0).kept()).toBeNull();
});
