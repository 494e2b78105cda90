/** The command line as a whole, and `pinfold kernels`. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { pinfold, ROOT } from './run.ts';

const golden = (name: string): string => `golden/${name}.txt`;
const MORE = '(pinfold --help lists the commands; pinfold COMMAND --help has examples)\n';

describe('pinfold', () => {
  test.each([
    ['help', ['--help']],
    ['help-check', ['check', '--help']],
    ['help-kernels', ['kernels', '--help']],
  ])('%s', async (name, args) => {
    const ran = pinfold(args);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    await expect(ran.stdout).toMatchFileSnapshot(golden(name));
  });

  test('`help check` is `check --help`, `-h` is `--help`', () => {
    expect(pinfold(['help', 'check'])).toEqual(pinfold(['check', '--help']));
    expect(pinfold(['-h'])).toEqual(pinfold(['--help']));
  });

  test('version is the package version', () => {
    const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
      version: string;
    };
    for (const flag of ['--version', '-V'])
      expect(pinfold([flag])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('a reader that goes away ends it quietly', () => {
    const { stderr } = spawnSync(
      '/bin/sh',
      ['-c', `"$0" check --help | head -n 1`, `${ROOT}pinfold`],
      {
        encoding: 'utf8',
      },
    );
    expect(stderr).toBe('');
  });

  test('without a command: the help, as a message, and status 2', () => {
    const ran = pinfold([]);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toBe(pinfold(['--help']).stdout);
  });

  test('an unknown command, with the one that was meant', () => {
    expect(pinfold(['chekc'])).toEqual({
      status: 2,
      stdout: '',
      stderr: `pinfold: error C001: unknown command 'chekc'\n(Did you mean check?)\n${MORE}`,
    });
  });
});

describe('pinfold errors', () => {
  test('lists every code; explains one with its example', () => {
    const all = pinfold(['errors']);
    expect(all).toMatchObject({ status: 0, stderr: '' });
    expect(all.stdout).toMatch(/^L001 {2}A character that the language does not know\n/);
    const one = pinfold(['errors', 'l048']);
    expect(one).toMatchObject({ status: 0, stderr: '' });
    expect(one.stdout).toMatch(/^L048 \(error\): Operands of the wrong type\n/);
    expect(one.stdout).toContain('example.litmus:8:8: error L048: ');
    const command = pinfold(['errors', 'c012']);
    expect(command.stdout).toMatch(/^C012 \(error, exit status 2\): A design variant/);
    expect(command.stdout).toContain('  pinfold check --design x\n');
    const json = JSON.parse(pinfold(['errors', '--json', 'L048']).stdout) as object;
    expect(json).toMatchObject({ schema: 'pinfold.errors/1', errors: [{ code: 'L048' }] });
  });

  test('an unknown code is refused', () => {
    expect(pinfold(['errors', 'L999'])).toEqual({
      status: 2,
      stdout: '',
      stderr: "pinfold: error C013: 'L999' is no code of a message; `pinfold errors` lists them\n",
    });
  });
});

describe('pinfold kernels', () => {
  test.each([
    ['kernels-diff', ['diff', '5.15', '5.16']],
    ['kernels-diff-json', ['diff', '6.5', '6.6', '--json']],
  ])('%s', async (name, args) => {
    const ran = pinfold(['kernels', ...args]);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    await expect(ran.stdout).toMatchFileSnapshot(golden(name));
  });

  test('the list has every version once, oldest first, and its totals', () => {
    const { status, stdout, stderr } = pinfold(['kernels']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const versions = stdout.match(/^\d+\.\d+(?= )/gm) ?? [];
    expect(versions.at(0)).toBe('4.4');
    expect(versions.at(-1)).toBe('7.3');
    expect(new Set(versions).size).toBe(versions.length);
    expect(stdout).toMatch(new RegExp(`^${versions.length} mainline versions, \\d+ rules\\.`, 'm'));
    expect(stdout).toMatch(/^debian-6\.1\.192 +6\.1 /m);
    expect(stdout).toMatch(/^bias-2019 +5\.4 /m);
  });

  test('show tells each rule, its value, since when and by which commit', () => {
    const { status, stdout } = pinfold(['kernels', 'show', '6.1']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Kernel 6\.1 \(2022\), mainline \.0 release\.\n/);
    expect(stdout).toMatch(/^S1 +cow\.smallReuse +exclusive +5\.19 6c287605fd56$/m);
  });

  test('--json before or after the subcommand', () => {
    const before = pinfold(['kernels', '--json', 'show', '6.1']);
    expect(before).toEqual(pinfold(['kernels', 'show', '6.1', '--json']));
    expect(JSON.parse(before.stdout)).toMatchObject({
      schema: 'pinfold.kernels/1',
      kind: 'kernel',
      name: '6.1',
      base: '6.1',
    });
  });

  test('no difference is said in words', () => {
    expect(pinfold(['kernels', 'diff', '6.19', '7.0']).stdout).toBe(
      'No rule of the model differs between 6.19 and 7.0.\n',
    );
  });

  test.each([
    [['show', '9.9'], "pinfold: error C010: unknown kernel version '9.9'; did you mean 7.3?\n"],
    [['diff', '5.8', 'debian'], /^pinfold: error C010: unknown kernel 'debian'; .+\n$/],
    [['show', '5.4..5.8'], "pinfold: error C011: '5.4..5.8' names several kernels; name one\n"],
    [['show'], `pinfold: error C001: missing required argument 'kernel'\n${MORE}`],
    [['diff', '5.8'], `pinfold: error C001: missing required argument 'to'\n${MORE}`],
  ] as const)('kernels %j: status 2', (args, message) => {
    const ran = pinfold(['kernels', ...args]);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });
});
