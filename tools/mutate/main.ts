/**
 * The power of the library: mutants of the model that its tests notice.
 * `node tools/mutate/main.ts [--kernel 5.7,5.10,6.12] [--rule NAME] [--json]`
 */
import { parseArgs } from 'node:util';
import { isRelease } from '../../src/kernels/index.ts';
import { readLibrary } from './library.ts';
import { powerOf, powerText, type Result, readReasons } from './report.ts';
import { ruleMutants, runRuleMutants } from './rule-mutants.ts';

const { values } = parseArgs({
  options: {
    kernel: { type: 'string', default: '5.7,5.10,6.12' },
    rule: { type: 'string' },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const kernels = values.kernel.split(',');
const unknown = kernels.find((name) => !isRelease(name));
if (unknown !== undefined) {
  console.error(`--kernel: '${unknown}' is no mainline release from 4.4 on`);
  process.exit(2);
}

const reasons = readReasons();
const show = (r: Result): void => {
  if (values.verbose) console.error(`${r.fate.padEnd(9)} ${r.id} ${r.by ?? ''} ${r.how ?? ''}`);
};
const rules = runRuleMutants(ruleMutants(kernels, values.rule ?? null), readLibrary(), show);
console.log(
  values.json
    ? JSON.stringify({ rules: powerOf(rules, reasons), results: rules }, null, 2)
    : powerText('rules', powerOf(rules, reasons), reasons),
);
