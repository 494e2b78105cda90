/** Executions that have no end are told of, whoever it is that goes round. */
import { expect, test } from 'vitest';
import { checkText, PAGE } from './check-text.ts';
import { explanationOf } from './witness.ts';

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

test('a witness leads to where nothing leads out any more', () => {
  const { end, verdict } = explanationOf(AFTER_YOU, '6.18');
  expect(end.text).toBe('livelock: P0, P1 go round for ever');
  expect(verdict?.text).toContain('P0 and P1 go round for ever, and no step leads out of it');
});
