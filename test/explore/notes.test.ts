/** What a verdict says beside its states: where a test may not have done what its writer thinks. */
import { expect, test } from 'vitest';
import { Checker } from '../../src/explore/check.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { parse } from '../../src/litmus/index.ts';

const notesOf = (init: string): readonly string[] => {
  const text = `C notes
{
  char *buf = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  buf[0] = 1;
  ${init}
}
P0() { r0 = buf[0]; }
exists (0:r0=1)
`;
  const { checked } = parse(text, 'notes.litmus');
  if (checked === undefined) throw new Error('the test must parse');
  return new Checker(checked).explore(rulesFor('6.12'), {}).notes;
};

test('a call of the initial block that fails unseen is told', () => {
  expect(notesOf('ksm(buf, buf + PAGE_SIZE);')).toEqual([
    'ksm() in line 5 of the initial block returned -EINVAL',
  ]);
});

test('not so when somebody takes its result, or when it succeeds', () => {
  expect(notesOf('int error = ksm(buf, buf + PAGE_SIZE);')).toEqual([]);
  expect(notesOf('madvise(buf, 2 * PAGE_SIZE, MADV_MERGEABLE);')).toEqual([]);
});

test('a thread that a signal ends is told, with the line', () => {
  expect(notesOf('munmap(buf, PAGE_SIZE);')).toEqual(['P0 is killed by SIGSEGV in line 7']);
});
