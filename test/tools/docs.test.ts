import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CALLS, ERRORS } from '../../src/litmus/index.ts';
import { withTables } from '../../tools/docs.ts';

const text = readFileSync(new URL('../../docs/language.md', import.meta.url), 'utf8');

describe('docs/language.md', () => {
  test('its tables are those of the language (else: node tools/docs.ts)', () => {
    expect(text).toBe(withTables(text));
  });

  test('every call and every error code is in it', () => {
    for (const name of CALLS.keys()) expect(text).toContain(` ${name}(`);
    for (const code of Object.keys(ERRORS)) expect(text).toContain(`| ${code} |`);
  });

  test('a text without a place for a table is refused', () => {
    expect(() => withTables('nothing')).toThrow("no place for 'calls'");
  });
});
