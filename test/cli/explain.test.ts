/** `pinfold explain` from outside: which end it shows, messages, statuses. */
import { describe, expect, test } from 'vitest';
import { pinfold, ROOT } from './run.ts';

const RACE = `${ROOT}library/fork/pin-races-fork.litmus`;
const COW = `${ROOT}library/cow/pin-mprotect-write.litmus`;

describe('pinfold explain', () => {
  test('without -k: the newest kernel at which there is such an end; the printed command shows it again', () => {
    const ran = pinfold(['explain', COW]);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^Kernel {4}5\.18$/m);
    expect(ran.stdout).toMatch(/^Why: step \d+: buf in P0 is page copy of buf from here on/m);
    const path = /^Path +(\S+)$/m.exec(ran.stdout)?.[1] ?? '';
    const again = pinfold(['explain', COW, '-k', '5.18', '--path', path]);
    expect(again.status).toBe(0);
    const body = (text: string): string => text.slice(text.indexOf('Start'));
    expect(body(again.stdout)).toBe(body(ran.stdout));
  });

  test('where the end never comes, says so and shows another', () => {
    const ran = pinfold(['explain', COW, '-k', '6.12']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(
      /Never at 6\.12: there is no execution after which the condition holds; here is one of the\s+executions/,
    );
    expect(ran.stdout).not.toContain('<==');
  });

  test('--state chooses the end', () => {
    const ran = pinfold(['explain', RACE, '-k', '5.10', '--state', '0:r0=2']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain('End       0:r0=2;');
    expect(ran.stdout).toContain('asked for by --state');
  });

  test('--path of more than one thread', () => {
    const first = pinfold(['explain', RACE, '-k', '5.10', '--json']);
    const { path, end } = JSON.parse(first.stdout) as { path: string; end: object };
    const again = JSON.parse(
      pinfold(['explain', RACE, '-k', '5.10', '--path', path, '--json']).stdout,
    ) as object;
    expect(again).toMatchObject({ path, end });
  });

  test('--path of what check --random found, without a search', () => {
    const found = pinfold(['check', '-k', '6.12', '--random', '40', 'two-writes.litmus']);
    const lines = [...found.stdout.matchAll(/^(\S+;) {2}path (full:\S+)$/gm)];
    expect(lines.length).toBeGreaterThan(1);
    for (const [, state = '', path = ''] of lines) {
      const ran = pinfold(['explain', 'two-writes.litmus', '-k', '6.12', '--path', path]);
      expect(ran).toMatchObject({ status: 0, stderr: '' });
      expect(ran.stdout).toContain(`End       ${state}\n`);
      expect(ran.stdout).toContain(`--path ${path}\n`);
    }
  });

  test.each(['text', 'json', 'mermaid', 'dot', 'perfetto', 'itf'])('--format %s', (format) => {
    const ran = pinfold(['explain', 'double-unpin.litmus', '-k', '6.12', '--format', format]);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    if (['json', 'perfetto', 'itf'].includes(format)) JSON.parse(ran.stdout);
    expect(ran.stdout).toContain('double-unpin');
  });

  test('a deadlock shows where each thread waits', () => {
    const ran = pinfold(['explain', 'deadlock.litmus', '-k', '6.12']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(
      /^Why: step \d+: deadlock: P0 waits for event \w+; P1 waits for event \w+\.$/m,
    );
  });

  test('a limit: what was found so far, status 3', () => {
    const args = ['-k', '6.12', '--max-states', '2', 'two-writes.litmus'];
    const ran = pinfold(['explain', ...args]);
    expect(ran).toMatchObject({ status: 3, stderr: '' });
    expect(ran.stdout).toContain('Incomplete at 6.12 (limit of 2 states): so far there is no');
    const all = pinfold(['explain', '--max-states', '2', 'two-writes.litmus']);
    expect(all.status).toBe(3);
    expect(all.stdout).not.toContain('at every other kernel');
  });

  test.each([
    [
      ['explain', RACE, '-k', '5.10', '--path', '0.5/x'],
      2,
      /--path 0\.5\/x: write threads and how many decisions/,
    ],
    [
      ['explain', RACE, '-k', '5.10', '--path', '0.5/7'],
      2,
      /there is no thread 7; the path must come from this test, this kernel \(5\.10\)/,
    ],
    [
      ['explain', RACE, '-k', '5.10', '--path', '0.5/1'],
      2,
      /decision 6 of 6: P1 cannot step there/,
    ],
    [
      ['explain', RACE, '-k', '5.10', '--path', '0.2'],
      2,
      /the path stops before the execution does/,
    ],
    [['explain', RACE, '--path', '0.2'], 2, /a path belongs to one kernel; name it with -k/],
    [['explain', RACE, '-k', '5.10', '--path', '0', '--state', 'r0'], 2, /give one of the two/],
    [
      ['explain', RACE, '-k', '5.10', '--state', 'r9=1'],
      2,
      /name one of these ends at 5\.10:\n {2}0:r0=\d;/,
    ],
    [['explain', RACE, '-k', '5.4'], 3, /Unsupported: this kernel has no pin_user_pages_fast\(\)/],
    [['explain', RACE, '-k', '5.10,5.11'], 2, /an explanation is about one kernel/],
    [['explain', RACE, '-k', '9.9'], 2, /unknown kernel/],
    [
      ['explain', RACE, '--format', 'xml'],
      2,
      /write one of text, json, mermaid, dot, perfetto, itf/,
    ],
    [
      ['explain', RACE, '--json', '--format', 'dot'],
      2,
      /--json and --format dot: give one of the two/,
    ],
    [
      ['explain', RACE, '-k', '5.10', '--path', 'full:7'],
      2,
      /there is no thread 7; the path must come from this test/,
    ],
    [['explain', 'no-such.litmus'], 2, /there is no such file/],
    [['explain', 'folder'], 2, /this folder holds \d+ tests; name one file/],
    [['explain', 'vacuous.litmus', '-k', '6.12'], 3, /Vacuous/],
  ] as const)('%j', (args, status, message) => {
    const ran = pinfold(args);
    expect(ran).toMatchObject({ status, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });
});
