/** What was shared at one kernel is assumed to be shared at the next: that saves searches and changes no outcome. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Checker } from '../../src/explore/check.ts';
import { parse } from '../../src/litmus/index.ts';

const KERNELS = ['6.18', '4.4', '5.10', '5.18', '6.1', '5.4'];

test.each(['fork/has-pinned-is-not-inherited', 'ksm/ksm-races-fast-pin-for-reading'])(
  '%s',
  (name) => {
    const file = `library/${name}.litmus`;
    const { checked } = parse(readFileSync(file, 'utf8'), file);
    if (checked === undefined) throw new Error('the test must parse');
    const experienced = new Checker(checked);
    let [searches, searchesAlone] = [0, 0];
    for (const kernel of KERNELS) {
      const { observation, states, problems, explored } = experienced.check(kernel);
      const alone = new Checker(checked).check(kernel);
      searches += explored.searches;
      searchesAlone += alone.explored.searches;
      const texts = (all: typeof states) => all.map(({ text }) => text).toSorted();
      expect([observation, texts(states), problems]).toEqual([
        alone.observation,
        texts(alone.states),
        alone.problems,
      ]);
    }
    expect(searches).toBeLessThan(searchesAlone);
  },
);
