/** `Result:` and `Design:` lines of the comments: what is expected of a test, by version. */
import type { Expectation, LitmusTest, Outcome, Span } from './ast.ts';
import type { Report } from './errors.ts';
import { formatRange, matches, overlap, parseRange } from './range.ts';
import { didYouMean } from './suggest.ts';
import type { Comment } from './tokens.ts';

const OUTCOMES: readonly Outcome[] = [
  'Never',
  'Sometimes',
  'Always',
  'Deadlock',
  'Bug',
  'Unsupported',
];

/** The lines of a comment with their places; decoration (`*`, `//`, the delimiters) is cut off. */
function* commentLines(comment: Comment): Generator<{ text: string; span: Span }> {
  let offset = comment.span.start;
  let line = comment.span.line;
  let column = comment.span.column;
  for (const raw of comment.text.split('\n')) {
    const lead = /^\s*(?:\(\*+|\/\*+|\/\/+|\*(?!\)|\/))?\s*/.exec(raw)?.[0].length ?? 0;
    const text = raw.slice(lead).replace(/\s*(?:\*+\)|\*+\/)?\s*$/, '');
    const start = offset + lead;
    yield {
      text,
      span: { start, end: start + Math.max(1, text.length), line, column: column + lead },
    };
    offset += raw.length + 1;
    line++;
    column = 1;
  }
}

const readResult = (text: string, span: Span, report: Report): Expectation | null => {
  const m = /^Result:\s*(\S+?)\s*(?:\((.*)\))?$/.exec(text);
  if (m === null) {
    report('L030', span, `this \`Result:\` line cannot be read: ${text}`);
    return null;
  }
  const [, word = '', inBrackets] = m;
  const outcome = OUTCOMES.find((o) => o === word);
  if (outcome === undefined) {
    report(
      'L030',
      span,
      `\`${word}\` is no outcome`,
      didYouMean(word, OUTCOMES, `one of ${OUTCOMES.join(', ')}`),
    );
    return null;
  }
  if (inBrackets === undefined) return { outcome, range: { kind: 'all' }, span };
  const range = parseRange(inBrackets);
  if (range === null) {
    report(
      'L030',
      span,
      `\`(${inBrackets})\` is no range of kernel versions`,
      'write `(< 5.8)`, `(<= 5.8)`, `(>= 5.9)`, `(> 5.9)`, `(5.9)` or `(5.9 .. 5.18)`, the lower one first',
    );
    return null;
  }
  return { outcome, range, span };
};

/** Reads all comments of a file; reports lines that do not parse and lines that disagree. */
export const readExpectations = (
  comments: readonly Comment[],
  report: Report,
): { expectations: Expectation[]; designs: string[] } => {
  const expectations: Expectation[] = [];
  const designs: string[] = [];
  for (const comment of comments) {
    for (const { text, span } of commentLines(comment)) {
      if (/^results?\s*:/i.test(text)) {
        const e = readResult(text, span, report);
        if (e === null) continue;
        const rival = expectations.find(
          (o) => o.outcome !== e.outcome && overlap(o.range, e.range),
        );
        if (rival !== undefined)
          report(
            'L031',
            span,
            `${e.outcome} here and ${rival.outcome} in line ${rival.span.line} are both expected of the same versions`,
            `make \`(${formatRange(rival.range) || 'all versions'})\` and \`(${formatRange(e.range) || 'all versions'})\` disjoint`,
          );
        expectations.push(e);
      } else if (/^designs?\s*:/i.test(text)) {
        const names = text
          .replace(/^Design:/, '')
          .split(',')
          .map((n) => n.trim());
        if (!text.startsWith('Design:') || names.some((n) => !/^[A-Za-z0-9][\w.-]*$/.test(n)))
          report('L032', span, `this \`Design:\` line cannot be read: ${text}`);
        else designs.push(...names);
      }
    }
  }
  return { expectations, designs };
};

/**
 * What a test expects at a version, or null where no line says.
 * @param version dotted numbers (`5.10`) or the name of a profile (`debian-6.1.192`)
 * @param baseVersion for a profile, the mainline version it stands on; a line that names the profile wins
 */
export const expectedAt = (
  test: LitmusTest,
  version: string,
  baseVersion: (profile: string) => string | null = () => null,
): Outcome | null => {
  const named = test.expectations.find(
    (e) => e.range.kind === 'profile' && e.range.name === version,
  );
  if (named !== undefined) return named.outcome;
  const number = /^\d+(\.\d+)*$/.test(version) ? version : baseVersion(version);
  if (number === null) return null;
  return test.expectations.find((e) => matches(e.range, number))?.outcome ?? null;
};
