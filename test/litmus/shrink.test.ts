import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse, print } from '../../src/litmus/index.ts';
import { SHRINK_PASSES } from '../../src/litmus/shrink.ts';
import { countStatements, withoutComments } from '../../src/litmus/tree.ts';
import { ROOT } from '../cli/run.ts';

const library = readdirSync(`${ROOT}library`, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.litmus'))
  .map((name) => ({ name, text: readFileSync(`${ROOT}library/${name}`, 'utf8') }));

test('every proposal can be printed, and is another test', () => {
  let valid = 0;
  let all = 0;
  // Every tenth test has something of every kind.
  for (const { name, text } of library.filter((_, i) => i % 10 === 0)) {
    const { test: tree } = parse(text, name);
    if (tree === undefined) throw new Error(name);
    const bare = withoutComments(tree);
    for (const pass of SHRINK_PASSES)
      for (const shrink of pass(bare)) {
        const printed = print(shrink());
        all++;
        if (parse(printed, name).checked !== undefined) valid++;
      }
  }
  expect(all).toBeGreaterThan(1000);
  // Proposals that are refused cost a parse each; most should be worth a try.
  expect(valid / all).toBeGreaterThan(0.4);
});

test('a test without its comments is the same test', () => {
  for (const { name, text } of library) {
    const { test: tree } = parse(text, name);
    if (tree === undefined) throw new Error(name);
    const bare = withoutComments(tree);
    const printed = print(bare);
    expect(printed).not.toMatch(/\(\*|\/\/|\/\*|Result:/);
    const again = parse(printed, name).test;
    expect(again?.threads.map((t) => t.name)).toEqual(tree.threads.map((t) => t.name));
    expect(again === undefined ? 0 : countStatements(again)).toBe(countStatements(tree));
  }
});
