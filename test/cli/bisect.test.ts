/** `pinfold bisect` from outside: what flips, and the smallest test that shows it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { pinfold, ROOT } from './run.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pinfold-bisect-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const write = (name: string, text: string): string => {
  const file = join(scratch, `${name}.litmus`);
  writeFileSync(file, text);
  return file;
};

/** pin-fork-write with much around it that has no part in it. */
const padded = write(
  'padded',
  `C padded "a title"
(* A comment.
 * Result: Always (< 5.9)
 * Result: Never (>= 5.9) *)
{
  char *other = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *buf = mmap(NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct page *pages[4];
  int n = 5;
  buf[0] = 1;
  other[1] = 7; // of no use
}
P0() {
  r5 = other[1];
  if (n > 3) {
    kernel: { r1 = pin_user_pages_fast(buf, 1, FOLL_WRITE | FOLL_FORCE, pages); }
  } else {
    munmap(buf, PAGE_SIZE);
  }
  for (i = 0; i < 2; i++) other[0] = i;
  fork(P2);
  post(done);
  buf[0] = 2;
  kernel: r0 = page_read(pages[0], 0);
  wait(P2);
}
P1() { await(done); r2 = n; }
P2() { r3 = other[0]; }
exists (0:r0=1 /\\ 1:r2=5 /\\ 0:r5=7)
`,
);

describe('--minimise', () => {
  const small = `C padded-min

(*
 * Shrunk from padded by pinfold bisect --minimise.
 * Result: Always (= 5.8)
 * Result: Never (= 5.9)
 *)

{
  char *buf = mmap(NULL, PAGE_SIZE, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct page *pages[1];
  buf[0] = 1;
}

P0()
{
  kernel: pin_user_pages_fast(buf, 1, 0, pages);
  fork(P1);
  buf[0] = 0;
  kernel: r0 = page_read(pages[0], 0);
}

P1()
{
}

exists (0:r0=1)
`;

  test('standard output is the smaller test, formatted, with the same flip by the same rules', () => {
    const ran = pinfold(['bisect', '--minimise', '-k', '5.6..5.12', padded]);
    expect(ran.status).toBe(0);
    expect(ran.stderr).toMatch(
      /^padded: 22 statements in 3 threads -> 7 statements in 2 threads \(\d+ tried\)\n$/,
    );
    expect(ran.stdout).toBe(small);
    const file = write('small', ran.stdout);
    expect(pinfold(['fmt', '--check', file])).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(pinfold(['check', '-k', '5.8,5.9', file]).stdout).toContain('2 as expected');
    const rules = (of: string): unknown => {
      const json = JSON.parse(pinfold(['bisect', '--json', '-k', '5.8,5.9', of]).stdout) as {
        flips: { causes: { rule: string }[][] }[];
      };
      return json.flips.map((f) => f.causes.map((set) => set.map((c) => c.rule)));
    };
    expect(rules(file)).toEqual(rules(padded));
    // What cannot be made smaller stays as it is.
    const again = pinfold(['bisect', '--minimise', '-k', '5.8,5.9', file]);
    expect(again.stdout.slice(again.stdout.indexOf('{'))).toBe(small.slice(small.indexOf('{')));
  });

  test('-o FILE, and --json', () => {
    const out = join(scratch, 'out.litmus');
    const ran = pinfold(['bisect', '--minimise', '-k', '5.8,5.9', padded, '-o', out]);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^padded: Always at 5\.8, Never at 5\.9\n/);
    expect(ran.stdout).toMatch(/ -> 7 statements in 2 threads \(\d+ tried\), in .*out\.litmus\n$/);
    expect(readFileSync(out, 'utf8')).toBe(small);
    const json = JSON.parse(
      pinfold(['bisect', '--minimise', '--json', '-k', '5.8,5.9', padded]).stdout,
    ) as object;
    expect(json).toMatchObject({
      schema: 'pinfold.bisect/1',
      complete: true,
      unknown: [],
      minimised: {
        text: small,
        before: { statements: 22, threads: 3 },
        after: { statements: 7, threads: 2 },
        cut: null,
      },
    });
  });

  test('one kernel: the same verdict, with the same bug', () => {
    const file = write(
      'twice',
      `C twice
{ char *buf = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct page *pages[2]; buf[0] = 3; }
P0() {
  r0 = buf[0];
  kernel: pin_user_pages_fast(buf, 1, FOLL_WRITE, pages);
  kernel: unpin_user_page(pages[0]);
  r1 = 7;
  kernel: unpin_user_page(pages[0]);
}
exists (0:r1=7)
`,
    );
    const bug = pinfold(['check', '-k', '6.12', file]).stdout.match(/^Problem \w+/m)?.[0];
    const ran = pinfold(['bisect', '--minimise', '-k', '6.12', file]);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain('Result: Bug (= 6.12)');
    expect(ran.stdout).not.toMatch(/r0|buf\[0\]/);
    const after = pinfold(['check', '-k', '6.12', write('twice-min', ran.stdout)]);
    expect(bug).toBeDefined();
    expect(after.stdout).toContain(bug);
  });

  test('a limit: the best so far, status 3', () => {
    const ran = pinfold(['bisect', '--minimise', '--max-tries', '5', '-k', '5.8,5.9', padded]);
    expect(ran.status).toBe(3);
    expect(ran.stderr).toContain('(5 tried; limit of 5 tries, a smaller one may exist)');
    expect(pinfold(['check', '-k', '5.8,5.9', write('best', ran.stdout)]).stdout).toContain(
      '2 as expected',
    );
  });

  test.each([
    [
      ['-o', 'x.litmus'],
      'pinfold: error C005: -o: it would change nothing; it is for --minimise\n',
    ],
    [
      ['--max-tries', '5'],
      'pinfold: error C005: --max-tries: it would change nothing; it is for --minimise\n',
    ],
    [['-k', '5.8'], 'pinfold: error C011: -k: name at least two kernels to bisect between\n'],
    [
      ['--minimise', '--max-tries', 'many'],
      'pinfold: error C002: --max-tries many: write a whole number from 1 on\n',
    ],
  ] as const)('%j is refused', (args, message) => {
    expect(pinfold(['bisect', ...args, padded])).toEqual({
      status: 2,
      stdout: '',
      stderr: message,
    });
  });
});

/** Too large to be explored while a test runs. */
const large = write(
  'large',
  `C large
{
  char *buf = mmap(NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct page *pages[3];
  struct page *others[3];
}
P0() { kernel: pin_user_pages_fast(buf, 2, FOLL_WRITE, pages); fork(P2); buf[0] = 2; }
P1() { kernel: r0 = pin_user_pages_fast(buf, 2, FOLL_WRITE, others); buf[4096] = 2; }
P2() { munmap(buf, PAGE_SIZE); exit(); }
P3() { mprotect(buf, PAGE_SIZE, PROT_READ); madvise(buf, PAGE_SIZE, MADV_DONTNEED); }
exists (1:r0=1)
`,
);

describe('what could not be explored', () => {
  test('is said, never called the same: status 3', () => {
    const ran = pinfold(['bisect', '-k', '6.11,6.12', '--timeout', '0.2', large]);
    expect(ran.status).toBe(3);
    expect(ran.stdout).toBe(
      'large: Incomplete at 6.11, 6.12 (2 kernels): time limit of 0.2 s\nlarge: no change between the other kernels from 6.11 to 6.12\n',
    );
  });

  test.each([
    ['check', ['check', '-k', '6.11,6.12', large], /large {2}\?\?/],
    ['check of one', ['check', '-k', '6.12', large], /^Incomplete interrupted$/m],
    [
      'bisect',
      ['bisect', '-k', '6.11,6.12', large],
      /^large: Incomplete at 6\.11, 6\.12 .*interrupted$/m,
    ],
    [
      'explain',
      ['explain', '-k', '6.12', large],
      /^ +Incomplete at 6\.12 \(interrupted(; from a sample of executions)?\): (so\s+far\s+there|an\s+execution)/m,
    ],
  ] as const)('an interrupted %s prints what it has: status 3', async (_, args, said) => {
    const node = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', `${ROOT}src/cli/main.ts`, ...args],
      { env: { ...process.env, NODE_COMPILE_CACHE: `${ROOT}.cache/compile` } },
    );
    let out = '';
    node.stdout.on('data', (data: Buffer) => {
      out += data.toString();
    });
    const timer = setTimeout(() => node.kill('SIGINT'), 6000);
    const status = await new Promise((resolve) => node.on('close', resolve));
    clearTimeout(timer);
    expect(status).toBe(3);
    expect(out).toMatch(said);
  });
});
