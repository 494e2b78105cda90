/**
 * Runs a program that a failing test has printed: `.tools/node test/property/replay.ts < program.txt`. Prints what
 * each operation answers, then the finding, if there still is one.
 */
import { readFileSync } from 'node:fs';
import { plainForm, resumableForm, steppedForm } from './forms.ts';
import { op, type Program } from './program.ts';
import { compareForms, execute, runnerOf } from './run.ts';

const text = readFileSync(0, 'utf8');
const program = new Function(
  'op',
  `return ${text.slice(text.indexOf('({ setup'), text.lastIndexOf('})') + 2)}`,
)(op) as Program;
const runners = [steppedForm(), plainForm('direct'), resumableForm()].map(runnerOf);
try {
  compareForms(runners, program, ['stepped', 'direct']);
  const [first] = runners;
  if (first !== undefined) {
    const { results } = execute(first, program, false);
    for (const [i, o] of program.ops.entries()) console.log(`${i} ${o.op}: ${results[i]}`);
  }
  console.log('every law holds');
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
