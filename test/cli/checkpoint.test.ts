/** `pinfold check --resume` after kill -9: the search goes on, and ends as if nothing had happened. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { pinfold, ROOT } from './run.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pinfold-kill-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const LOCK = join(ROOT, 'bench/litmus/lock.litmus');
/** Too many states to be done before the kill. */
const ARGS = ['check', '-k', '6.18', '--max-states', '400000', '--json', LOCK];

const foundBy = (args: readonly string[]): unknown => {
  const ran = pinfold(args);
  const { verdicts } = JSON.parse(ran.stdout) as { verdicts: Record<string, unknown>[] };
  return { status: ran.status, ...verdicts[0], milliseconds: 0, explored: null };
};

test('killed in the middle of a search', async () => {
  const journal = join(scratch, 'journal');
  const kept = ['--resume', journal, '--checkpoint', '0.1'];
  const child = spawn(
    join(ROOT, '.tools/node'),
    ['--disable-warning=ExperimentalWarning', join(ROOT, 'src/cli/main.ts'), ...ARGS, ...kept],
    { stdio: 'ignore' },
  );
  const folder = `${journal}.searches`;
  const isKept = (): boolean =>
    existsSync(folder) && readdirSync(folder).some((f) => !f.includes('.'));
  while (!isKept() && child.exitCode === null) await setTimeout(20);
  child.kill('SIGKILL');
  expect(isKept()).toBe(true);
  expect(foundBy([...ARGS, ...kept])).toEqual(foundBy(ARGS));
}, 120_000);
