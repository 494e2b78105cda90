/** `pinfold check` from outside: outputs, messages, statuses. Long outputs stand in golden/. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { allKernels } from '../../src/kernels/index.ts';
import { FIXTURES, pinfold, ROOT, timeless } from './run.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pinfold-cli-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const golden = (name: string): string => `golden/${name}.txt`;

describe('results', () => {
  test.each([
    ['one-at-5.8', ['-k', '5.8', 'pin-fork-write.litmus'], 0],
    ['one-at-6.12', ['-k', '6.12', 'pin-fork-write.litmus'], 0],
    ['sometimes', ['-k', '6.12', 'two-writes.litmus'], 0],
    ['unsupported', ['-k', '5.4', 'pin-fork-write.litmus'], 0],
    ['bug', ['-k', '6.12', 'double-unpin.litmus'], 0],
    ['deadlock', ['-k', '6.12', 'deadlock.litmus'], 0],
    ['unexpected', ['-k', '6.12', 'unexpected.litmus'], 1],
    ['vacuous', ['-k', '6.12', 'vacuous.litmus'], 1],
    ['folder', ['-k', '5.4,5.8..5.10,6.12', 'folder'], 0],
    ['folder-unexpected', ['-k', '5.8,6.12', 'folder', 'unexpected.litmus'], 1],
    ['json', ['--json', '-k', '5.8,6.12', 'two-writes.litmus', 'unexpected.litmus'], 1],
    ['design', ['-k', '5.4', '--design', 'bias-2019', 'pin-fork-write.litmus'], 0],
    [
      'compare',
      [
        ...['--design', 'pg-dma-pinned,range-lock,bias-2019', '--compare'],
        ...['gup-takes-page-off-lru', 'counters-requested-and-returned'].map(
          (name) => `${ROOT}library/design/${name}.litmus`,
        ),
      ],
      0,
    ],
    ['compare-one-kernel', ['-k', '5.9', '--design', 'grab-once', '--compare', 'folder'], 0],
    ['compare-unexpected', ['--design', 'per-page', '--compare', 'unexpected.litmus'], 1],
    [
      'compare-json',
      ['--json', '--design', 'enforce-coherency', '--compare', 'pin-fork-write.litmus'],
      0,
    ],
  ] as const)('%s', async (name, args, status) => {
    const ran = pinfold(['check', ...args]);
    expect(ran).toMatchObject({ status, stderr: '' });
    await expect(timeless(ran.stdout)).toMatchFileSnapshot(golden(name));
  });

  test('the library that ships is checked when no path is given, from wherever one stands', () => {
    const ran = pinfold(['check', '-k', '6.12'], { cwd: scratch });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toMatch(/\n\d+ tests at 1 kernel: \d+ as expected, 0 not as expected\n$/);
  });

  test('-k all is every version, and what no -k means', () => {
    const all = pinfold(['check', '-k', 'all', 'pin-fork-write.litmus']);
    expect(all.status).toBe(0);
    const n = allKernels.length;
    expect(all.stdout).toContain(`1 test at ${n} kernels: ${n} as expected`);
    expect(pinfold(['check', 'pin-fork-write.litmus']).stdout).toBe(all.stdout);
  });

  test('a file that is named twice counts once', () => {
    const ran = pinfold(['check', '-k', '6.12', 'two-writes.litmus', 'two-writes.litmus']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^Test two-writes /);
  });
});

describe('--json', () => {
  test('schema pinfold.check/1 and nothing else on standard output', () => {
    const ran = pinfold(['check', '--json', '-k', '5.8', 'pin-fork-write.litmus']);
    const document = JSON.parse(ran.stdout) as Record<string, unknown>;
    expect(Object.keys(document)).toEqual(['schema', 'kernels', 'verdicts', 'summary']);
    expect(document).toMatchObject({
      schema: 'pinfold.check/1',
      kernels: ['5.8'],
      verdicts: [
        {
          test: 'pin-fork-write',
          file: 'pin-fork-write.litmus',
          kernel: '5.8',
          observation: 'Always',
          expected: 'Always',
          agrees: true,
          reason: null,
          problems: [],
          states: [{ state: '0:r0=1;', holds: true }],
        },
      ],
      summary: { asExpected: 1, notAsExpected: 0, incomplete: 0, vacuous: 0 },
    });
  });

  test('a message does not get into it', () => {
    const ran = pinfold(['check', '--json', 'nosuch.litmus']);
    expect(ran).toEqual({
      status: 2,
      stdout: '',
      stderr: 'nosuch.litmus: error C020: there is no such file or folder\n',
    });
  });
});

describe('limits', () => {
  test.each([
    ['states', ['--max-states', '3', '-k', '6.12'], 'limit of 3 states'],
    ['states, as a matrix', ['--max-states', '3', '-k', '5.8,6.12'], 'limit of 3 states'],
    ['a call without a model', ['-k', '6.12'], 'not modelled yet: MAP_SYNC'],
  ])('%s: Incomplete, status 3, never an answer', (what, args, why) => {
    const file = what.startsWith('a call') ? 'not-modelled.litmus' : 'pin-fork-write.litmus';
    const ran = pinfold(['check', ...args, file]);
    expect(ran).toMatchObject({ status: 3, stderr: '' });
    expect(ran.stdout).toContain(why);
    const said = ran.stdout.replace(/^A Always.*$/m, '').replace(/^Expected .*$/m, '');
    expect(said).toMatch(/incomplete/i);
    expect(said).not.toMatch(/Always|Never|Sometimes|^Ok$|^No$|, 0 incomplete/m);
  });

  test('a limit with --json: no agreement is claimed', () => {
    const ran = pinfold([
      'check',
      '--json',
      '--max-states',
      '3',
      '-k',
      '6.12',
      'pin-fork-write.litmus',
    ]);
    expect(ran.status).toBe(3);
    const { verdicts, summary } = JSON.parse(ran.stdout) as {
      verdicts: { observation: string; agrees: boolean | null }[];
      summary: object;
    };
    expect(verdicts.map((v) => [v.observation, v.agrees])).toEqual([['Incomplete', null]]);
    expect(summary).toEqual({ asExpected: 0, notAsExpected: 0, incomplete: 1, vacuous: 0 });
  });

  test('what differs weighs more than what is unfinished', () => {
    const ran = pinfold(['check', '-k', '6.12', 'not-modelled.litmus', 'unexpected.litmus']);
    expect(ran.status).toBe(1);
    expect(ran.stdout).toContain('0 as expected, 1 not as expected, 1 incomplete');
  });
});

describe('bad input: status 2, one message on standard error, nothing on standard output', () => {
  const empty = join(scratch, 'empty');
  const zero = join(scratch, 'zero.litmus');
  const wrong = (args: readonly string[]): string => {
    const ran = pinfold(['check', ...args]);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).not.toMatch(/^\s+at /m);
    return ran.stderr;
  };

  test('a syntax error: file:line:column, the line, a caret, advice', () => {
    expect(wrong(['syntax-error.litmus'])).toBe(`\
syntax-error.litmus:6:8: error L011: expected an expression, found \`;\`
 6 |   r0 = ;
   |        ^
   = hint: see docs/language.md for the shape of a test
`);
  });

  test('several errors are told at once, with the names that were meant', () => {
    expect(wrong(['wrong-names.litmus'])).toBe(`\
wrong-names.litmus:8:8: error L040: \`bug\` is not declared
 8 |   r0 = bug[0];
   |        ^^^
   = hint: did you mean \`buf\`?

wrong-names.litmus:9:11: error L041: there is no call \`pin_user_page_fast\`
 9 |   kernel: pin_user_page_fast(buf, 1, FOLL_WRITE, pages);
   |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   = hint: did you mean \`pin_user_pages_fast\`?
`);
  });

  test('errors of several files are told at once, and nothing is checked', () => {
    const said = wrong(['pin-fork-write.litmus', 'syntax-error.litmus', 'wrong-names.litmus']);
    expect(said.match(/^[a-z-]+\.litmus:\d+:\d+: error/gm)).toHaveLength(3);
  });

  test('an empty file', () => {
    writeFileSync(zero, '');
    expect(wrong([zero])).toMatch(/zero\.litmus:1:1: error L010: .*\n/);
  });

  test.each([
    [['nosuch.litmus'], 'nosuch.litmus: error C020: there is no such file or folder\n'],
    [
      ['-k', '6.99', 'two-writes.litmus'],
      "pinfold: error C010: -k: unknown kernel version '6.99'; did you mean 6.19 or 7.0?\n",
    ],
    [
      ['-k', 'foo'],
      "pinfold: error C010: -k: unknown kernel 'foo'; `pinfold kernels` lists them\n",
    ],
    [
      ['-k', '5.4..'],
      "pinfold: error C010: -k: range '5.4..' lacks an end; write both, as in 6.1..7.3\n",
    ],
    [
      ['-k', '6.1..5.4'],
      "pinfold: error C010: -k: range '6.1..5.4' runs backwards; write 5.4..6.1\n",
    ],
    [
      ['-k', ''],
      "pinfold: error C010: -k: empty kernel name in ''; write names with commas between them, as in 5.4,6.1..6.18\n",
    ],
    [
      ['--design', 'x'],
      'pinfold: error C012: --design x: there is no such design; known: pg-dma-pinned, range-lock, bias-2019, pin-longterm-only, enforce-coherency, grab-once, per-page\n',
    ],
    [
      ['--max-states', '0'],
      'pinfold: error C002: --max-states 0: write a whole number from 1 on\n',
    ],
    [['--timeout', 'long'], 'pinfold: error C002: --timeout long: write a number above 0\n'],
    [
      ['--seed', '3'],
      'pinfold: error C005: --seed: it would change nothing; every execution is explored, none is sampled; add --random N to sample N of them\n',
    ],
    [
      ['--pct', '3'],
      'pinfold: error C005: --pct: it would change nothing; every execution is explored, none is sampled; add --random N to sample N of them\n',
    ],
    [
      ['--random', '10', '--unreduced'],
      'pinfold: error C005: --unreduced: it would change nothing; --random samples executions and stores no states; leave out one of the two\n',
    ],
    [
      ['--color', 'sometimes'],
      'pinfold: error C003: --color sometimes: write auto, always or never\n',
    ],
    [
      ['twins'],
      "twins/two.litmus:1:3: error C025: the test is called 'two-writes', as the one in twins/one.litmus; give it a name of its own\n",
    ],
  ] as const)('%j', (args, message) => {
    expect(wrong(args)).toBe(message);
  });

  test('an empty folder', () => {
    mkdirSync(empty);
    expect(wrong([empty])).toBe(`${empty}: error C023: no .litmus file in this folder\n`);
  });

  test('an unknown option', () => {
    expect(wrong(['--frob'])).toBe(`\
pinfold: error C001: unknown option '--frob'
(pinfold --help lists the commands; pinfold COMMAND --help has examples)
`);
  });
});

describe('where it runs', () => {
  test('from another folder, messages name the file as seen from there', () => {
    const ran = pinfold(['check', join(FIXTURES, 'syntax-error.litmus')], {
      cwd: join(FIXTURES, 'folder'),
    });
    expect(ran.stderr).toMatch(/^\.\.\/syntax-error\.litmus:6:8: error L011/);
    const up = pinfold(['check', '-k', '6.12', '../two-writes.litmus'], {
      cwd: join(FIXTURES, 'folder'),
    });
    expect(up).toMatchObject({ status: 0, stderr: '' });
  });

  test('by a symbolic link to ./pinfold, relative and in another folder', () => {
    const link = join(scratch, 'pf');
    symlinkSync(relative(scratch, join(ROOT, 'pinfold')), link);
    const ran = spawnSync(link, ['--version'], { cwd: scratch, encoding: 'utf8' });
    expect(ran).toMatchObject({ status: 0, stderr: '', stdout: `${versionOfPackage()}\n` });
  });
});

const versionOfPackage = (): string =>
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

describe('colour', () => {
  const args = ['check', '-k', '5.8,6.12', 'unexpected.litmus'];
  const ESC = '\x1b[';

  test('none where nobody looks', () => {
    expect(pinfold(args).stdout).not.toContain(ESC);
  });

  test('--color always, and NO_COLOR does not undo what was asked for', () => {
    expect(pinfold([...args, '--color', 'always']).stdout).toContain(`${ESC}31m`);
    expect(pinfold([...args, '--color', 'always'], { env: { NO_COLOR: '1' } }).stdout).toContain(
      ESC,
    );
  });

  test('--color never; NO_COLOR', () => {
    expect(pinfold([...args, '--color', 'never']).stdout).not.toContain(ESC);
    expect(pinfold(args, { env: { NO_COLOR: '1' } }).stdout).not.toContain(ESC);
  });
});

describe('paths that are no ordinary files', () => {
  const TEST = 'C piped\n{ }\nP0() { r0 = 1; }\nexists (0:r0=1)\n';

  test('- is standard input', () => {
    const ran = pinfold(['check', '-k', '6.12', '-'], { input: TEST });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toContain('Test piped Allowed');
    const wrong = pinfold(['check', '-k', '6.12', '-'], { input: 'C x\n' });
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toMatch(/^<stdin>:/);
  });

  test('a link to itself, a pipe, a device: one message each', () => {
    const loop = join(scratch, 'loop');
    symlinkSync('loop', loop);
    const pipe = join(scratch, 'pipe.litmus');
    spawnSync('mkfifo', [pipe]);
    for (const command of ['check', 'explain', 'bisect', 'fmt'])
      for (const path of [loop, pipe, '/dev/zero']) {
        const ran = pinfold([command, path]);
        expect(ran).toMatchObject({ status: 2, stdout: '' });
        expect(ran.stderr).toMatch(/cannot be looked at|neither a file nor a folder/);
      }
  });

  test('a folder that links lead to more than once is read once', () => {
    const folder = join(scratch, 'cycle');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.litmus'), TEST);
    symlinkSync('.', join(folder, 'again'));
    const ran = pinfold(['check', '-k', '6.12', folder]);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
  });

  test('results that cannot be written are no internal error', () => {
    const { status, stderr } = spawnSync(
      'sh',
      [
        '-c',
        `"$0" "$1" check -k 6.12 two-writes.litmus >/dev/full`,
        process.execPath,
        `${ROOT}src/cli/main.ts`,
      ],
      { cwd: FIXTURES, encoding: 'utf8', env: { ...process.env, NODE_NO_WARNINGS: '1' } },
    );
    expect(status).toBe(3);
    expect(stderr).toMatch(/^standard output: error C028: cannot be written \(ENOSPC.*\)\n$/);
  });

  test('--max-states is a whole number', () => {
    const ran = pinfold(['check', '--max-states', '1.5', 'two-writes.litmus']);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toContain('--max-states 1.5: write a whole number');
  });
});
