/** The file as a whole: name, initial block, threads, condition; each found even when another is broken. */
import type { Condition, Filter, InitBlock, LitmusTest, Locations, Span, Thread } from './ast.ts';
import type { Report } from './errors.ts';
import { atCondition, parseCondition, parseFilter, parseLocations } from './parse-condition.ts';
import { atNextPart, parseBody } from './parse-statement.ts';
import { readExpectations } from './result.ts';
import { describe, TokenStream, Unwind } from './stream.ts';
import { tokenize } from './tokens.ts';

const parseName = (s: TokenStream): { name: string; title: string | null; header: string[] } => {
  const t = s.peek();
  if (t.kind !== 'header') {
    s.report('L010', t.span, `the file begins with ${describe(t)}, not with \`C name\``);
    // Whatever stands there, up to the initial block, was meant as the first line.
    while (!s.at('{') && s.peek().kind !== 'end' && !atNextPart(s)) s.next();
    return { name: '', title: null, header: s.takeComments() };
  }
  s.next();
  const header = s.takeComments();
  const title = s.peek().kind === 'string' ? s.next().text : null;
  return { name: t.text, title, header };
};

const parseInit = (s: TokenStream): InitBlock => {
  const first = s.next();
  const comments = s.takeComments();
  const { body, trailing } = parseBody(s);
  return { body, trailing, comments, after: s.takeAfter(), span: s.spanFrom(first) };
};

const parseThread = (s: TokenStream): Thread => {
  const first = s.next();
  const m = /^([PK])(\d+)$/.exec(first.text);
  if (m === null)
    return s.fail(
      'L016',
      first.span,
      `\`${first.text}\` is no name of a thread`,
      'threads are P0, P1, ..., kernel contexts K0, K1, ...',
    );
  s.expect('(', 'after the name of the thread');
  if (!s.accept('void') && !s.at(')'))
    s.fail(
      'L016',
      s.peek().span,
      'threads take no arguments',
      'variables of the initial block are visible in every thread',
    );
  s.expect(')', 'after the name of the thread');
  s.expect('{', 'before the body of the thread');
  const comments = s.takeComments();
  const { body, trailing } = parseBody(s);
  const mode = m[1] === 'K' ? 'K' : 'P';
  return {
    name: `${mode}${Number(m[2])}`,
    mode,
    index: Number(m[2]),
    body,
    trailing,
    comments,
    after: s.takeAfter(),
    span: s.spanFrom(first),
    nameSpan: first.span,
  };
};

/** After an error between the blocks: on to the next thread, condition, or the end. */
const recover = (s: TokenStream, began: number): void => {
  if (s.position === began) s.next();
  while (s.peek().kind !== 'end' && !atNextPart(s) && !atCondition(s)) s.next();
  s.lose(began);
};

interface Parts {
  init: InitBlock | null;
  threads: Thread[];
  locations: Locations | null;
  filter: Filter | null;
  condition: Condition | null;
}

const parsePart = (s: TokenStream, parts: Parts): void => {
  const t = s.peek();
  const twice = (what: string): void => s.report('L017', t.span, `a second ${what}`);
  if (s.at('{')) {
    if (parts.init !== null || parts.threads.length > 0)
      twice(
        parts.init !== null ? 'initial block' : 'block: the initial block comes before the threads',
      );
    parts.init = parts.init ?? parseInit(s);
    if (s.at('{')) return;
  } else if (s.at('locations') || s.at('filter') || atCondition(s)) {
    if (s.at('locations')) {
      if (parts.locations !== null) twice('`locations`');
      parts.locations = parseLocations(s);
    } else if (s.at('filter')) {
      if (parts.filter !== null) twice('`filter`');
      parts.filter = parseFilter(s);
    } else {
      if (parts.condition !== null) twice('condition');
      // Holds the place when the condition itself does not parse: bodies are checked all the same.
      parts.condition = always(t.span);
      parts.condition = parseCondition(s);
    }
  } else if (parts.condition !== null) {
    s.fail('L013', t.span, `${describe(t)} stands behind the condition`);
  } else if (t.kind === 'name' && s.at('(', 1)) parts.threads.push(parseThread(s));
  else s.fail('L011', t.span, `expected a thread or the condition, found ${describe(t)}`);
};

/** Stands where a part of the file is missing, so that the others can be looked at all the same. */
const nothing = (span: Span): InitBlock => ({
  body: [],
  trailing: [],
  comments: [],
  after: [],
  span,
});

const always = (span: Span): Condition => ({
  quantifier: 'exists',
  prop: { kind: 'true', span },
  comments: [],
  after: [],
  span,
});

/**
 * Parses a text. If `report` was called, the test is good for nothing but messages and editors: some
 * statements may be missing. `complete` says that it has all its parts, whatever is in them.
 * @param lost takes the names that stood in text which could not be parsed
 */
export const parseFile = (
  text: string,
  file: string,
  report: Report,
  lost: Set<string>,
): { test: LitmusTest; complete: boolean } => {
  const { tokens, comments } = tokenize(text, report);
  const { expectations, designs } = readExpectations(comments, report);
  const s = new TokenStream(tokens, report, lost);
  const start = s.peek();
  const { name, title, header } = parseName(s);
  const parts: Parts = { init: null, threads: [], locations: null, filter: null, condition: null };
  while (s.peek().kind !== 'end') {
    const began = s.position;
    try {
      parsePart(s, parts);
    } catch (e) {
      if (!(e instanceof Unwind)) throw e;
      recover(s, began);
    }
    // A block that stands twice is skipped as a whole.
    if (s.position === began && s.at('{')) parseInit(s);
  }
  s.next();
  const footer = s.takeComments();
  const end: Span = s.peek().span;
  const { init, condition, threads, locations, filter } = parts;
  if (init === null)
    report(
      'L012',
      threads[0]?.nameSpan ?? end,
      'the initial block is missing',
      'write `{ }` after the name, with the variables of the test in it',
    );
  if (threads.length === 0) report('L012', end, 'there is no thread', 'write `P0() { ... }`');
  if (condition === null)
    report(
      'L012',
      end,
      'there is no condition',
      'end the test with `exists (...)`, `~exists (...)` or `forall (...)`',
    );
  const test: LitmusTest = {
    file,
    name,
    title,
    header,
    init: init ?? nothing(end),
    threads,
    locations,
    filter,
    condition: condition ?? always(end),
    footer,
    expectations,
    designs,
    span: s.spanFrom(start),
  };
  return { test, complete: init !== null && condition !== null && threads.length > 0 };
};
