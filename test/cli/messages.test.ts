/** Every message of the command line, by the command that is said to get it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MESSAGE_CODES } from '../../src/output/errors.ts';
import { MESSAGES } from '../../src/output/messages.ts';
import { FIXTURES, ROOT } from './run.ts';

/** These need a broken installation, memory beyond all that there is, a fault of the model, or a machine that is not root's. */
const ELSEWHERE: readonly string[] = ['C029', 'C033', 'C034', 'C040'];

describe('messages of the command line', () => {
  test.each(MESSAGE_CODES.filter((code) => !ELSEWHERE.includes(code)))('%s', (code) => {
    const { example, output, status } = MESSAGES[code];
    const main = `"$0" --disable-warning=ExperimentalWarning ${ROOT}src/cli/main.ts`;
    const ran = spawnSync('/bin/sh', ['-c', `${main} ${example}`, process.execPath], {
      cwd: FIXTURES,
      env: { ...process.env, NODE_COMPILE_CACHE: `${ROOT}.cache/compile` },
      encoding: 'utf8',
    });
    expect({ status: ran.status, stdout: ran.stdout, stderr: ran.stderr }).toEqual({
      status,
      stdout: '',
      stderr: `${output}\n`,
    });
  });

  test('each has a code of its own in the source, and no code is left over', () => {
    const sources = readdirSync(`${ROOT}src/cli`).map((name) =>
      readFileSync(`${ROOT}src/cli/${name}`, 'utf8'),
    );
    const used = new Set(sources.flatMap((text) => text.match(/'C\d{3}'/g) ?? []));
    expect([...used].map((code) => code.slice(1, -1)).sort()).toEqual([...MESSAGE_CODES]);
  });
});
