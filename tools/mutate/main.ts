/**
 * The power of the library: mutants of the model that its tests notice.
 *
 *   node tools/mutate/main.ts rules [--kernel 5.7,5.10,6.12] [--rule NAME] [--json] [--verbose]
 *   node tools/mutate/main.ts source [--file wp-reuse,grab] [--every 5] [--json] [--verbose]
 */
import { parseArgs } from 'node:util';
import { isRelease } from '../../src/kernels/index.ts';
import { readLibrary } from './library.ts';
import { powerOf, powerText, type Result, readReasons } from './report.ts';
import { ruleMutants, runRuleMutants } from './rule-mutants.ts';
import { MUTATED, sourceMutants } from './source-mutants.ts';
import { runSourceMutants } from './source-run.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kernel: { type: 'string', default: '5.7,5.10,6.12' },
    rule: { type: 'string' },
    file: { type: 'string' },
    every: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const fail = (message: string): never => {
  console.error(message);
  process.exit(2);
};

const show = (r: Result): void => {
  if (values.verbose) console.error(`${r.fate.padEnd(9)} ${r.id} ${r.by ?? ''} ${r.how ?? ''}`);
};

const runRules = (): Result[] => {
  const kernels = values.kernel.split(',');
  const unknown = kernels.find((name) => !isRelease(name));
  if (unknown !== undefined) fail(`--kernel: '${unknown}' is no mainline release from 4.4 on`);
  return runRuleMutants(ruleMutants(kernels, values.rule ?? null), readLibrary(), show);
};

const runSource = (): Promise<Result[]> => {
  const files = values.file?.split(',') ?? MUTATED;
  const every = Number(values.every);
  if (!Number.isInteger(every) || every < 1) fail('--every: a whole number from 1 on');
  const mutants = sourceMutants(files).filter((_, i) => i % every === 0);
  return runSourceMutants(mutants, readLibrary(), show);
};

const kind = positionals[0] ?? 'rules';
if (kind !== 'rules' && kind !== 'source') fail(`'${kind}': say rules or source`);
const results = kind === 'rules' ? runRules() : await runSource();
const reasons = readReasons();
const power = powerOf(results, reasons);
console.log(
  values.json ? JSON.stringify({ power, results }, null, 2) : powerText(kind, power, reasons),
);
