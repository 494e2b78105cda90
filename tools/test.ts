/**
 * `make test`: every check that decides whether a change may land, then the total from the real counts.
 * A check that is not a vitest run counts as one test.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name: string) => join('node_modules', '.bin', name);
const node = process.execPath;
const quiet = '--disable-warning=ExperimentalWarning';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const checks: readonly Check[] = [
  {
    name: 'source stays inside what the rewriter accepts',
    command: [node, quiet, 'tools/rewrite/main.ts', '--check'],
  },
  { name: 'types', command: [bin('tsc'), '-p', 'tsconfig.json'] },
  { name: 'types of the generated forms', command: [bin('tsc'), '-p', 'tsconfig.gen.json'] },
  {
    name: 'types of the editor extension',
    command: [bin('tsc'), '-p', 'editors/vscode/tsconfig.json'],
  },
  { name: 'format and lint (biome)', command: [bin('biome'), 'check', '.'] },
  {
    name: 'lint (oxlint)',
    command: [
      bin('oxlint'),
      '--deny-warnings',
      '--type-aware',
      'src',
      'tools',
      'test',
      'bench',
      'editors',
    ],
  },
  {
    name: 'architecture',
    command: [
      bin('depcruise'),
      '--config',
      '.dependency-cruiser.mjs',
      '--output-type',
      'err',
      'src',
      'gen',
    ],
  },
  { name: 'dead code', command: [bin('knip')] },
  { name: 'package', command: [node, quiet, 'tools/package.ts', '--check'] },
];

const env = {
  ...process.env,
  PATH: `${join(root, '.tools', 'bin')}:${process.env['PATH'] ?? ''}`,
  NO_COLOR: '1',
};
delete (env as Record<string, string | undefined>)['FORCE_COLOR'];

let passed = 0;
let failed = 0;
let skipped = 0;

for (const { name, command } of checks) {
  const start = performance.now();
  const [program, ...args] = command as [string, ...string[]];
  const result = spawnSync(program, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (result.status === 0) {
    passed++;
    console.log(`ok    ${name} (${seconds} s)`);
  } else {
    failed++;
    console.log(`FAIL  ${name} (${seconds} s): ${command.join(' ')}`);
    console.log(result.error?.message ?? `${result.stdout}${result.stderr}`);
  }
}

const report = join(root, '.cache', 'vitest.json');
mkdirSync(dirname(report), { recursive: true });
rmSync(report, { force: true });
const vitest = spawnSync(bin('vitest'), ['run', ...process.argv.slice(2)], {
  cwd: root,
  env,
  stdio: 'inherit',
});
if (existsSync(report)) {
  const counts = JSON.parse(readFileSync(report, 'utf8')) as Record<
    | 'numPassedTests'
    | 'numFailedTests'
    | 'numPendingTests'
    | 'numTodoTests'
    | 'numFailedTestSuites',
    number
  >;
  passed += counts.numPassedTests;
  failed += counts.numFailedTests;
  skipped += counts.numPendingTests + counts.numTodoTests;
  // A file that could not even be loaded has no failed test of its own.
  if (counts.numPassedTests === 0 || (vitest.status !== 0 && counts.numFailedTests === 0)) failed++;
} else {
  console.log('FAIL  vitest wrote no report');
  failed++;
}

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
