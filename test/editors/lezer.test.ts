/**
 * The editor grammar against the parser: `syntaxOf` (our parser, without names and types) accepts a text
 * if and only if Lezer's tree of it has no error node. Compared over the library and over texts made from
 * it by changing tokens and characters.
 *
 * Not compared are texts in which our parser reports one of EXCEPTIONS: what it refuses there is not in the
 * shape of the text but in numbers it computes, parts it counts, or the meaning of a word.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { highlightTree, tagHighlighter, tags } from '@lezer/highlight';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parser } from '../../editors/lezer/index.ts';
import { type ErrorCode, reporter } from '../../src/litmus/errors.ts';
import { parseFile } from '../../src/litmus/parse-file.ts';
import { tokenize } from '../../src/litmus/tokens.ts';
import { stale } from '../../tools/lezer.ts';

const EXCEPTIONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  L014: 'which words make a type, which constant is an array length: computed, not parsed',
  L017: 'a part that stands twice: counted',
  L018: 'nesting deeper than 120: a limit of recursive descent that LR parsing does not have',
  L030: '`Result:` lines: inside comments',
  L031: '`Result:` lines: inside comments',
  L032: '`Design:` lines: inside comments',
  L073: 'whether a word of a condition is a constant is told by its letters',
};

const root = fileURLToPath(new URL('../../library', import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.litmus'))
  .sort();
const library = files.map((f) => readFileSync(join(root, f), 'utf8'));

/** What our parser says about the shape of a text; null where it is not compared. */
const syntaxOf = (text: string): boolean | null => {
  const { diagnostics, report } = reporter('t');
  parseFile(text, 't', report, new Set());
  if (diagnostics.some((d) => d.code in EXCEPTIONS)) return null;
  return diagnostics.length === 0;
};

/** Where Lezer's tree has an error, or null. */
const errorIn = (text: string): number | null => {
  let at: number | null = null;
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) at ??= node.from;
    },
  });
  return at;
};

const agree = (text: string): boolean | null => {
  const ours = syntaxOf(text);
  if (ours === null) return null;
  const error = errorIn(text);
  if (ours !== (error === null))
    expect.fail(
      `the parser ${ours ? 'accepts' : 'refuses'} what Lezer ${ours ? `refuses at ${error}` : 'accepts'}:\n${text}`,
    );
  return ours;
};

test('the generated parser is current', () => {
  expect(stale()).toEqual([]);
});

test('every test of the library', () => {
  expect(library.length).toBeGreaterThan(50);
  for (const text of library) expect(agree(text)).toBe(true);
});

/** Texts that show a corner each; the comment says which. */
const CORNERS: readonly [string, boolean][] = [
  ['P0() { (f(x)); }', true],
  ['P0() { (f(x)) = 1; }', true],
  ['P0() { f(x) + 1; }', false],
  ['P0() { a--b; }', false],
  ['P0() { x = a--b; }', false],
  ['P0() { x = a - -b; }', true],
  ['P0() { x = a & &b[0]; }', true],
  ['P0() { x = &&b; }', false],
  ['P0() { a ? b : c++; }', true],
  ['P0() { x = y = z; }', false],
  ['P0() { if (x) if (y) f(); else g(); else h(); }', true],
  ['P0() { if (x) int y; }', false],
  ['P0() { for (;;) ; }', true],
  ['P0() { for (f(); ; ) ; }', false],
  ['P0() { for (int i = 0, j = 1; ; ) ; }', false],
  ['P0() { kernel: kernel: f(); kernel = 3; }', true],
  ['P0() { x = exists; filter = 1; post(locations); }', true],
  ['P0() { x = filter(1); }', false],
  ['P0() { x = sizeof; }', false],
  ['P0() { int if; }', false],
  ['P0() { int filter; }', true],
  ['P0() { int filter[2]; }', false],
  ['P0() { unsigned long int *const *x[3] = f(), y; }', true],
  ['P0() { struct page *page = (struct page *)0; (*page) = *(char **)p; }', true],
  ["P0() { x = '\\x41' + '\\n' + 'a' + 0x1fUL + 017; }", true],
  ["P0() { x = '\\q'; }", false],
  ["P0() { x = '😀'; }", false],
  ['P0() { x = 09; }', false],
  ['P0() { x = 12ab; }', false],
  ['P0() { f((*p), (*q)); }', true],
  ['P0() { f((*p*)); }', true],
  ['P0() { f("😀 (* x *)"); }', true],
  ['P0() { return 1; }', false],
  ['P0() { a.b = 1; }', false],
  ['P0(void) { }', true],
  ['P0(int x) { }', false],
  ['main() { }', false],
  ['K0() { } locations [0:x; K0:y] filter (true)', true],
  ['P0() { filter (1); }', false],
];
const CONDITIONS: readonly [string, boolean][] = [
  ['exists true', true],
  ['exists filter (pinned(0:a))', false],
  ['exists true()', false],
  ['exists (1=true())', false],
  ['~ exists (~(0:a=1) /\\ !(1:b=2))', true],
  ['forall (true /\\ false)', true],
  ['exists ((0:a=1) \\/ (0:b=2 /\\ 0:c=3))', true],
  ['exists ((1)=0:a)', false],
  ['exists (0:a=(1))', true],
  ['exists (-1=0:a)', true],
  ['exists (~1=0:a)', true],
  ['exists (~(1)=0:a)', false],
  ['exists (0:a=~1)', true],
  ['exists (0:a=--1)', false],
  ['exists (0:a--=1)', false],
  ['exists (0:a==1)', false],
  ['exists (0:a<<1)', false],
  ['exists (0:a && 0:b)', false],
  ['exists (0x1:a=1)', false],
  ['exists (01:a=1)', true],
  ['exists (P0:a=K0:b + 1)', true],
  ['exists (disk(fd)[0]=1 /\\ device(1:mr)[1 + 2]!=1)', true],
  ['exists (disk(fd)=1)', false],
  ['exists (nr_pins=2 /\\ pinned(0:buf + PAGE_SIZE))', true],
  ['exists (nr_pins + 1=2)', false],
  ['exists (pinned(0:buf) + 1=2)', false],
  ['exists (0:(a ? b : c)=1)', true],
  ['exists (0:a[b ? c : d]=f(1))', true],
  ['exists (0:a=1) locations [] filter (0:a=1)', true],
  ['exists (0:a=1) locations [;]', false],
  ['exists (0:a=1) P1() { }', false],
  ['exists (0:a=1) (* never closed', false],
  ['exists (0:a=1) // the end', true],
  ['exists (0:a=1) (*', false],
];

describe('corners', () => {
  test.each(CORNERS)('%s', (body, good) => {
    expect(agree(`C t {} ${body} P9() { } exists (0:x=1)`)).toBe(good);
  });
  test.each(CONDITIONS)('%s', (condition, good) => {
    expect(agree(`C t {} P0() { } ${condition}`)).toBe(good);
  });
  test.each([
    ['\uFEFFC t {} P0() {} exists true', true],
    ['// c\n(* d *)C t.1+x:y@z=-"title" {}\u00a0P0() {} exists true', true],
    ['C t{} P0() {} exists true', false],
    ['C\nt {} P0() {} exists true', false],
    ['C t(*c*){} P0() {} exists true', true],
    ['C t {} exists true', false],
    ['C t P0() {} exists true', false],
    ['C t {} P0() {}', false],
    ['', false],
  ])('%j', (text, good) => {
    expect(agree(text)).toBe(good);
  });
});

/** Tokens as they stand in texts, and some that stand in none. */
const POOL = [
  ...new Set(
    library.flatMap((text) =>
      tokenize(text, () => {}).tokens.map((t) => text.slice(t.span.start, t.span.end)),
    ),
  ),
  ...`-> ++ -- && || == ~ ! ? : /= (* *) /* // " ' # ^`.split(' '),
  ...'if else while for sizeof struct const unsigned kernel true disk filter'.split(' '),
].filter((t) => t !== '');

/** One change of a text at one of its tokens. */
const change = fc.record({
  kind: fc.constantFrom('drop', 'double', 'swap', 'replace', 'insert', 'cut', 'type'),
  at: fc.nat(10_000),
  with: fc.constantFrom(...POOL),
  character: fc.oneof(
    fc.constantFrom(...`( ) { } [ ] ; : , * /  ~ = < > & | - + " ' 0 a`.split(' '), ' ', '\n'),
    fc.string({ maxLength: 1 }),
  ),
});

const apply = (
  text: string,
  c: typeof change extends fc.Arbitrary<infer T> ? T : never,
): string => {
  const { tokens } = tokenize(text, () => {});
  const i = c.at % tokens.length;
  const here = tokens[i]?.span ?? { start: 0, end: 0 };
  const next = tokens[i + 1]?.span ?? here;
  const before = text.slice(0, here.start);
  const word = text.slice(here.start, here.end);
  const after = text.slice(here.end);
  const offset = here.start + (c.at % Math.max(1, here.end - here.start + 1));
  switch (c.kind) {
    case 'drop':
      return before + after;
    case 'double':
      return `${before}${word} ${word}${after}`;
    case 'swap':
      return `${before}${text.slice(next.start, next.end)} ${word} ${text.slice(next.end)}`;
    case 'replace':
      return `${before}${c.with}${after}`;
    case 'insert':
      return `${before}${c.with} ${word}${after}`;
    case 'cut':
      return text.slice(0, offset) + text.slice(offset + 1);
    default:
      return text.slice(0, offset) + c.character + text.slice(offset);
  }
};

test('the library with tokens and characters changed', () => {
  const counts = { accepted: 0, refused: 0, excepted: 0 };
  fc.assert(
    fc.property(
      fc.constantFrom(...library),
      fc.array(change, { minLength: 1, maxLength: 2 }),
      (text, changes) => {
        const result = agree(changes.reduce(apply, text));
        if (result === null) counts.excepted++;
        else counts[result ? 'accepted' : 'refused']++;
      },
    ),
    { numRuns: Number(process.env['LEZER_RUNS'] ?? 2000) },
  );
  // The comparison says something: both answers are common, exceptions are not.
  const all = counts.accepted + counts.refused + counts.excepted;
  expect(counts.accepted / all).toBeGreaterThan(0.08);
  expect(counts.refused / all).toBeGreaterThan(0.4);
  expect(counts.excepted / all).toBeLessThan(0.15);
});

test('names, calls, keywords and comments are coloured', () => {
  const text =
    'C t {} (* c *) P0() { kernel: r0 = get_page(pages[0]); if (r0) x = 42; } exists (0:r0=-EFAULT)';
  const found: Record<string, string> = {};
  const style = tagHighlighter([
    { tag: tags.blockComment, class: 'comment' },
    { tag: tags.function(tags.variableName), class: 'call' },
    { tag: tags.controlKeyword, class: 'control' },
    { tag: tags.variableName, class: 'variable' },
    { tag: tags.labelName, class: 'label' },
    { tag: tags.number, class: 'number' },
  ]);
  highlightTree(parser.parse(text), style, (from, to, classes) => {
    found[text.slice(from, to)] = classes;
  });
  expect(found).toMatchObject({
    '(* c *)': 'comment',
    get_page: 'call',
    if: 'control',
    r0: 'variable',
    EFAULT: 'variable',
    P0: 'label',
    '42': 'number',
    '0': 'label',
  });
});
