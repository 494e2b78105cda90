/** Limits of an exploration: one clock for all its searches, asked often, and never a silent end. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { Checker } from '../../src/explore/check.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { parse } from '../../src/litmus/index.ts';

const LARGE = `C large
{
  char *buf = mmap(NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct page *pages[3];
  struct page *others[3];
  buf[0] = 1;
}
P0() {
  kernel: r0 = pin_user_pages_fast(buf, 2, FOLL_WRITE, pages);
  fork(P2);
  buf[0] = 2;
}
P1() {
  kernel: r0 = pin_user_pages_fast(buf, 2, FOLL_WRITE, others);
  buf[4096] = 2;
}
P2() {
  munmap(buf, PAGE_SIZE);
  exit();
}
P3() {
  mprotect(buf, PAGE_SIZE, PROT_READ);
  madvise(buf, PAGE_SIZE, MADV_DONTNEED);
}
exists (0:r0=1)
`;

const large = (): Checker => {
  const { checked } = parse(LARGE, 'large.litmus');
  if (checked === undefined) throw new Error('the test must parse');
  return new Checker(checked);
};

afterEach(() => void vi.restoreAllMocks());

/** A clock that goes on by a millisecond whenever it is read. */
const countedClock = (): (() => number) => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => ++now);
  return () => now;
};

test('the repeated searches of one exploration share one clock', () => {
  const file = new URL('../../library/force/huge-dirty-cow.litmus', import.meta.url);
  const { checked } = parse(readFileSync(file, 'utf8'), 'huge-dirty-cow.litmus');
  if (checked === undefined) throw new Error('the test must parse');
  const rules = rulesFor('6.12');
  // How often each of its searches looks at the clock.
  const looks = [0];
  let steps = 0;
  const poll = (at: { readonly steps: number }): boolean => {
    if (at.steps < steps) looks.push(0);
    steps = at.steps;
    looks.push((looks.pop() ?? 0) + 1);
    return false;
  };
  const whole = new Checker(checked).explore(rules, { limits: { poll } });
  expect(whole.observation).not.toBe('Incomplete');
  const all = looks.reduce((sum, n) => sum + n, 0);
  const time = Math.max(...looks) + 2;
  expect(all).toBeGreaterThan(time + looks.length);

  const clock = countedClock();
  const cut = new Checker(checked).explore(rules, { limits: { time } });
  expect(cut).toMatchObject({
    observation: 'Incomplete',
    reason: `time limit of ${time / 1000} s`,
  });
  expect(clock()).toBe(time + 2);
});

test('a sample says that the clock ended it', () => {
  const sample = { executions: 1_000_000, seed: 1, depth: null };
  countedClock();
  const found = large().explore(rulesFor('6.12'), { sample, limits: { time: 100 } });
  expect(found.reason).toBe(
    'a sample of 100 executions (seed 1), ended by the time limit of 0.1 s, no proof',
  );
});

test('a sample can be interrupted', () => {
  const sample = { executions: 1_000_000, seed: 1, depth: null };
  const poll = (at: { readonly steps: number }): boolean => at.steps > 1000;
  const found = large().explore(rulesFor('6.12'), { sample, limits: { poll } });
  expect(found.observation).toBe('Incomplete');
  expect(found.reason).toMatch(
    /^a sample of \d{1,3} executions \(seed 1\), interrupted, no proof$/,
  );
});

test('more threads than a word has bits for are not explored, and that is said', () => {
  const threads = Array.from({ length: 31 }, (_, i) => `P${i}() { x = ${i}; }`).join('\n');
  const { checked } = parse(`C many\n{ int x = 0; }\n${threads}\nexists (0:x=3)\n`, 'many.litmus');
  if (checked === undefined) throw new Error('the test must parse');
  const found = new Checker(checked).explore(rulesFor('6.12'), {});
  expect(found).toMatchObject({
    observation: 'Incomplete',
    reason: '31 threads; at most 30 can be explored',
  });
});

test('an initial block that is killed says where, and nothing is claimed', () => {
  const text = `C killed
{
  char *buf = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  buf[0] = 1;
}
P0() { r0 = 1; }
forall (0:r0=1)
`;
  const { checked } = parse(text, 'killed.litmus');
  if (checked === undefined) throw new Error('the test must parse');
  expect(new Checker(checked).explore(rulesFor('6.12'), {})).toMatchObject({
    observation: 'Incomplete',
    reason: 'the initial block is killed by SIGSEGV in line 4',
  });
});
