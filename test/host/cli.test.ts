/** `pinfold run` from outside: statuses, messages, and the shape of its JSON. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { cannotRun, root } from './helpers.ts';

const run = (args: readonly string[], env: NodeJS.ProcessEnv = process.env) => {
  const main = `${root}/src/cli/main.ts`;
  const node = ['--disable-warning=ExperimentalWarning', main, 'run', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, node, {
    encoding: 'utf8',
    cwd: root,
    env,
  });
  return { status, stdout, stderr };
};

const KERNEL_ONLY = 'library/fork/pin-fork-write.litmus';
const RUNNABLE = 'library/vmsplice/vmsplice-child.litmus';

describe('statuses', () => {
  test('2: a bad number, a file that is not there', () => {
    expect(run(['--runs', 'many', RUNNABLE])).toMatchObject({ status: 2, stdout: '' });
    expect(run(['nowhere.litmus'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('nowhere.litmus'),
    });
  });

  test('3: a test that only the kernel can run is skipped, and says which call', () => {
    const { status, stdout } = run([KERNEL_ONLY]);
    expect(status).toBe(3);
    expect(stdout).toMatch(
      /^SKIP (page_read|pin_user_pages_fast)\(\): only the kernel itself can make this call$/m,
    );
  });

  test('3: --emit-c of such a test', () =>
    expect(run(['--emit-c', KERNEL_ONLY])).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringContaining('cannot be a C program'),
    }));

  test.skipIf(cannotRun() !== null)('3: no compiler', () => {
    const { status, stdout } = run([RUNNABLE], { ...process.env, PATH: '/nonexistent', CC: '' });
    expect(status).toBe(3);
    expect(stdout).toContain('SKIP no C compiler here');
  });
});

describe.skipIf(cannotRun() !== null)('output', () => {
  test('a histogram, the kernel, the states of the model, the comparison', () => {
    const { status, stdout } = run(['--runs', '50', RUNNABLE]);
    expect(stdout).toMatch(/^Histogram \(1 state\)\n50:>1:r0=1;$/m);
    expect(stdout).toMatch(/^Kernel \d+\.\d+.*\nModel \d+\.\d+ \(1 state\)\n >1:r0=1;$/m);
    expect(stdout).toMatch(/^Agreement/m);
    expect(status).toBe(0);
  });

  test('--json holds one document and nothing else', () => {
    const { status, stdout } = run(['--json', '--runs', '20', RUNNABLE, KERNEL_ONLY]);
    const found = JSON.parse(stdout) as Record<string, unknown>;
    expect(found).toMatchObject({
      schema: 'pinfold.run/1',
      summary: { agree: 1, disagree: 0, skipped: 1 },
      tests: [
        {
          test: 'vmsplice-child',
          observation: 'Never',
          verdict: 'agrees',
          runs: 20,
          skipped: null,
        },
        { test: 'pin-fork-write', observation: null, verdict: null, runs: 0 },
      ],
    });
    expect(status).toBe(3);
  });
});
