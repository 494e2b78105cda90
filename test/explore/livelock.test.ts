/** Executions that have no end are told of, whoever it is that goes round. */
import { expect, test } from 'vitest';
import { endOfPath } from '../../src/explore/explain/explain.ts';
import { checkText, PAGE } from './check-text.ts';
import { explanationOf, witnessOf } from './witness.ts';

/** Each says that it is there and waits until the other is not: at once they wait for ever. */
const AFTER_YOU = `C after-you
{ int x = 0; int y = 0; }
P0() { x = 1; r = 1; while (r != 0) { r = y; } x = 0; }
P1() { y = 1; r = 1; while (r != 0) { r = x; } y = 0; }
exists (0:x=0 /\\ 0:y=0)
`;

test('two that wait for each other', () => {
  const { observation, problems, states } = checkText('6.18', AFTER_YOU);
  expect(problems).toEqual(['livelock: P0, P1 go round for ever']);
  expect(states.map((s) => s.text)).toEqual(['0:x=0; 0:y=0;']);
  expect(observation).toBe('Deadlock');
});

test('a wait that always ends is none', () => {
  const { problems, observation } = checkText(
    '6.18',
    `C wait
{ int x = 0; int y = 0; }
P0() { x = 1; y = 1; }
P1() { r = 0; while (r != 1) { r = y; } s = x; }
exists (1:s=1)
`,
  );
  expect(problems).toEqual([]);
  expect(observation).toBe('Always');
});

test('who goes round unnoticed keeps nobody from going on', () => {
  const { problems } = checkText(
    '6.18',
    `C goes-on
{ int x = 0; int z = 0; char *buf = ${PAGE}; struct page *p[1]; kernel: get_user_pages_fast(buf, 1, FOLL_WRITE, p); }
P0() { x = 1; r = 0; while (r != 1) { mlock(buf, PAGE_SIZE); r = z; } }
P1() { r = x; if (r == 1) { kernel: put_page(p[0]); kernel: put_page(p[0]); kernel: put_page(p[0]); } else { kernel: put_page(p[0]); } }
exists (1:r=1)
`,
  );
  expect(problems).toEqual([
    expect.stringMatching(/BUG|refcount|page/i),
    'livelock: P0 goes round for ever',
  ]);
});

test('a loop of calls that fail before their first step is said not to end', () => {
  const { observation, reason } = checkText(
    '6.18',
    `C no-step
{ char *buf = ${PAGE}; struct page *p[1]; }
P0() { r = 1; while (r != 0) { r = munmap(buf, 0); } }
P1() { buf[0] = 1; }
exists (1:buf[0]=1)
`,
  );
  expect(observation).toBe('Incomplete');
  expect(reason).toBe('line 3: this loop does not end');
});

test('a BUG in a loop ends it', () => {
  const { observation, problems } = checkText(
    '6.18',
    `C no-page
{ struct page *p[1]; }
P0() { r = 0; while (r != 2) { kernel: r = page_read(p[0], 0); } }
exists (0:r=2)
`,
  );
  expect([observation, problems]).toEqual(['Bug', ['noPage']]);
});

test.each([
  ['a signal', 'fork(P1); kill(P1, SIGKILL); wait(P1);'],
  ['exit()', 'exit();'],
])('a loop that %s ends in Linux, and not in the model, says so', (_, end) => {
  const { observation, reason } = checkText(
    '6.18',
    `C ended
{ int x = 1; }
P0() { x = 2; ${end} }
P1() { r = 1; while (r != 0) { r = x; } }
exists (0:x=2)
`,
  );
  expect(observation).toBe('Incomplete');
  expect(reason).toMatch(/^not modelled: that exit\(\) or a signal ends .* \(the loop of P1\)$/);
});

test('fork copies variables in a step that others notice', () => {
  const forked = (child: string) =>
    checkText(
      '6.18',
      `C copied
{ int z = 0; }
P0() { fork(P2); }
P1() { z = 2; }
P2() { ${child} }
exists (2:r=2)
`,
    );
  expect(forked('r = z;').states.map((s) => s.text)).toEqual(['2:r=0;', '2:r=2;']);
  const { states, problems } = forked('r = 0; while (r != 2) { r = z; }');
  expect(states.map((s) => s.text)).toEqual(['2:r=2;']);
  expect(problems).toEqual(['livelock: P2 goes round for ever']);
});

test('a path that stops before a circle is none', () => {
  const { witness } = witnessOf(
    `C not-yet
{ int x = 0; int y = 0; int z = 0; }
P0() { x = 1; r = 1; while (r != 0) { r = y; } }
P1() { r = y; if (r == 0) { y = 3; } }
P2() { y = 1; r = x; if (r == 1) { s = 1; while (s != 0) { z = 1; s = z; } } }
exists (0:x=0)
`,
    '6.18',
  );
  expect(() => endOfPath({ ...witness, path: [{ thread: 2, choice: 0 }] })).toThrow(
    'the path stops before the execution does',
  );
  expect(endOfPath(witness).text).toMatch(/^livelock/);
});

test('a witness leads to where nothing leads out any more', () => {
  const { end, verdict } = explanationOf(AFTER_YOU, '6.18');
  expect(end.text).toBe('livelock: P0, P1 go round for ever');
  expect(verdict?.text).toContain('P0 and P1 go round for ever, and no step leads out of it');
});
