import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CALLS, ERRORS, parse } from '../../src/litmus/index.ts';
import { ERROR_CODES, explainedError } from '../../src/output/errors.ts';
import { withTables } from '../../tools/docs.ts';
import { errorsPage } from '../../tools/errors-page.ts';

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

describe('docs/errors.md', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

  test('it is what the table of errors says (else: node tools/docs.ts)', () => {
    expect(page).toBe(errorsPage());
  });

  test('every code has an entry, and its example as it stands there gets that code alone', () => {
    const entries = [...page.matchAll(/^### (L\d{3})\n[\s\S]*?```litmus\n([\s\S]*?)```/gm)];
    expect(entries.map(([, code]) => code)).toEqual(Object.keys(ERRORS));
    for (const [, code = '', example = ''] of entries) {
      const { diagnostics } = parse(example, 'example.litmus');
      expect(diagnostics.map((d) => d.code)).toEqual([code]);
    }
  });

  test.each(ERROR_CODES)('%s: the output names it once, with a hint', (code) => {
    const { output, severity } = explainedError(code);
    expect(output).toMatch(new RegExp(`^example\\.litmus:\\d+:\\d+: ${severity} ${code}: .+`));
    expect(output.match(/ = hint: ./g)).toHaveLength(1);
  });
});
