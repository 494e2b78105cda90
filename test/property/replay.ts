/**
 * Runs a program that a failing test has printed: `.tools/node test/property/replay.ts < program.txt`. Prints what
 * each operation answers, then the finding, if there still is one.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { plainForm, resumableForm, steppedForm } from './forms.ts';
import type { Program } from './program.ts';
import { compareForms, execute, runnerOf } from './run.ts';

const text = readFileSync(0, 'utf8');
// The text is a module's worth of code that this project printed: it is run as the module that it is.
const file = join(mkdtempSync(join(tmpdir(), 'pinfold-replay-')), 'program.ts');
const operations = pathToFileURL(fileURLToPath(new URL('./program.ts', import.meta.url))).href;
const value = text.slice(text.indexOf('({ setup'), text.lastIndexOf('})') + 2);
writeFileSync(file, `import { op } from '${operations}';\nexport const program = ${value};\n`);
const { program } = (await import(pathToFileURL(file).href)) as { readonly program: Program };
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
