/**
 * The power of the library: mutants of the model that its tests notice.
 *
 *   node tools/mutate/main.ts [rules|source] [--rule NAME] [--file wp-reuse,grab] [--only ID,ID] [--patience 60]
 *                             [--sample N --seed S [--others S2:N2,S3:N3]] [--minutes 30] [--json] [--verbose] [--write [--commit ID]]
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT, readLibrary } from './library.ts';
import {
  documentText,
  type OtherSample,
  powerOf,
  powerText,
  type Result,
  readBefore,
  readReasons,
  reasonFor,
} from './report.ts';
import { RULE_KERNELS, ruleMutants } from './rule-mutants.ts';
import { runMutants } from './run.ts';
import { MUTATED } from './source-mutants.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rule: { type: 'string' },
    file: { type: 'string' },
    only: { type: 'string' },
    patience: { type: 'string', default: '60' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    others: { type: 'string', default: '' },
    minutes: { type: 'string', default: 'Infinity' },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    commit: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

const fail = (message: string): never => {
  console.error(message);
  process.exit(2);
};

const show = (r: Result): void => {
  if (values.verbose) console.error(`${r.fate.padEnd(9)} ${r.id} ${r.by ?? ''} ${r.how ?? ''}`);
};

const [kind] = positionals;
if (kind !== undefined && kind !== 'rules' && kind !== 'source')
  fail(`'${kind}': say rules or source, or nothing for both`);
const files = values.file?.split(',') ?? MUTATED;
const strange = files.find((name) => !(MUTATED as readonly string[]).includes(name));
if (strange !== undefined) fail(`--file: '${strange}' is none of ${MUTATED.join(', ')}`);
const patience = Number(values.patience);
if (!(patience > 0)) fail('--patience: seconds');

const minutes = Number(values.minutes);
if (!(minutes > 0)) fail('--minutes: a number');
const sample =
  values.sample === undefined ? null : { size: Number(values.sample), seed: Number(values.seed) };
if (sample !== null && !(Number.isInteger(sample.size) && Number.isInteger(sample.seed)))
  fail('--sample, --seed: whole numbers');

const head = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: PROJECT, encoding: 'utf8' });
const commit = values.commit ?? head.stdout?.trim() ?? 'unknown';
const reasons = readReasons();
const tests = readLibrary();
const run = (of: typeof sample, rules: boolean): Promise<Result[]> =>
  runMutants(
    {
      files: kind === 'rules' ? [] : files,
      sample: of,
      ids: values.only === undefined ? null : new Set(values.only.split(',')),
      rules: rules ? ruleMutants(RULE_KERNELS, values.rule ?? null) : [],
    },
    tests,
    {
      cache: join(PROJECT, '.cache/mutate'),
      commit,
      patience: patience * 1000,
      deadline: performance.now() + minutes * 60_000,
      excused: (id) => reasonFor(reasons, id) !== null,
      onResult: show,
    },
  );
const results = await run(sample, kind !== 'source');
const others: OtherSample[] = [];
for (const asked of values.others.split(',').filter((text) => text !== '')) {
  const [otherSeed, size] = asked.split(':').map(Number);
  if (!(Number.isInteger(otherSeed) && Number.isInteger(size))) fail('--others: seed:size, ...');
  const other = { seed: otherSeed ?? 0, size: size ?? 0 };
  others.push({ ...other, results: await run(other, false) });
}
if (values.json) console.log(JSON.stringify(results, null, 2));
else console.log(powerText(powerOf(results, reasons), reasons));
if (values.write)
  writeFileSync(
    join(PROJECT, 'docs/mutation.md'),
    documentText(results, reasons, sample, others, readBefore()),
  );
