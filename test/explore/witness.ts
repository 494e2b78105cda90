/** A library test explored so that its witnesses can be walked through. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Checker } from '../../src/explore/check.ts';
import { chooseEnd } from '../../src/explore/explain/ends.ts';
import { explain } from '../../src/explore/explain/explain.ts';
import type { Witness } from '../../src/explore/explain/recorder.ts';
import type { ExplainedEnd, Explanation } from '../../src/explore/explain/types.ts';
import type { Ways } from '../../src/explore/explore.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { parse } from '../../src/litmus/parse.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Found {
  readonly witness: Witness;
  readonly end: ExplainedEnd;
  readonly ways: Ways;
  readonly checker: Checker;
}

/** The test's witness at `kernel`; `name` is a path in library/ without the ending, or a whole text. */
export const witnessOf = (name: string, kernel: string): Found => {
  const isText = name.includes('\n');
  const file = isText ? 'inline.litmus' : `library/${name}.litmus`;
  const source = isText ? name : readFileSync(`${ROOT}${file}`, 'utf8');
  const { checked, diagnostics } = parse(source, file);
  if (checked === undefined) throw new Error(JSON.stringify(diagnostics));
  const checker = new Checker(checked);
  const { exploration, machine, sharing, ways } = checker.exploreForReplay(rulesFor(kernel));
  const { condition } = checker;
  const choice = chooseEnd(checked, exploration);
  if (machine === null || ways === null || condition === null || choice === null)
    throw new Error(`${name} at ${kernel}: ${exploration.observation} ${exploration.reason ?? ''}`);
  const path = ways.easiestPath(choice.end.text);
  if (path === null) throw new Error(`no path to ${choice.end.text}`);
  const witness = { checked, condition, machine, sharing, path, kernel, source };
  return { witness, end: choice.end, ways, checker };
};

export const explanationOf = (name: string, kernel: string): Explanation => {
  const { witness, end } = witnessOf(name, kernel);
  return explain(witness, end, 'for a test', true);
};
