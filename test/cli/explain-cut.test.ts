/** What an explanation shows when its search is cut short, from inside: at its first look around, before it knows much. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runExplain } from '../../src/cli/explain-job.ts';
import { parse } from '../../src/litmus/parse.ts';
import { ROOT } from './run.ts';

const FILE = `${ROOT}library/thp/split-races-fast-get.litmus`;
const KERNEL = '6.12';

const text = readFileSync(FILE, 'utf8');
const { checked } = parse(text, FILE);
if (checked === undefined) throw new Error(`${FILE} does not parse`);
const LIMITS = { states: 1_000_000, time: 60_000 };
const job = { file: FILE, text, kernel: KERNEL, state: null, path: null, limits: LIMITS };
const NEVER = { poll: () => false, stopped: () => false };

test('an end from a sample, with a path that is walked again without any search', () => {
  const interrupted = { poll: () => true, stopped: () => true };
  const { explanation, cut } = runExplain(checked, job, interrupted);
  expect(cut).toBe('interrupted');
  expect(explanation.reason).toContain('(interrupted; from a sample of executions)');
  expect(explanation.path).toMatch(/^full:/);
  const again = runExplain(checked, { ...job, path: explanation.path }, NEVER);
  expect(again.explanation.end.text).toBe(explanation.end.text);
  expect(again.explanation.steps.length).toBe(explanation.steps.length);
});

test('the path of a search that was cut short is one of single steps', () => {
  const { explanation, cut } = runExplain(
    checked,
    { ...job, limits: { ...LIMITS, states: 12_000 } },
    NEVER,
  );
  expect(cut).toBe('limit of 12000 states');
  expect(explanation.reason).toContain('(limit of 12000 states): ');
  expect(explanation.path).toMatch(/^full:/);
  const again = runExplain(checked, { ...job, path: explanation.path }, NEVER);
  expect(again.explanation.end.text).toBe(explanation.end.text);
});
