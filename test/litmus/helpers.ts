import { type Diagnostic, parse } from '../../src/litmus/index.ts';

export const MMAP =
  'mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)';

/** A whole test around a body of P0, which stands in line 10 and on. */
export const withBody = (body: string, rest = '', condition = 'exists (0:done=1)'): string =>
  `C t
{
  char *buf = ${MMAP};
  struct page *pages[2];
  int p[2] = pipe();
  int n;
}
P0()
{
${body}
  done = 1;
}
${rest}
${condition}
`;

/** `L042@10:3` for each diagnostic. */
export const places = (diagnostics: readonly Diagnostic[]): string[] =>
  diagnostics.map((d) => `${d.code}@${d.span.line}:${d.span.column}`);

export const check = (text: string): string[] => places(parse(text, 't.litmus').diagnostics);

/** Without spans, so that trees of different texts compare. */
export const bare = (x: unknown): unknown =>
  JSON.parse(
    JSON.stringify(x, (k, v: unknown) =>
      k === 'span' || k === 'nameSpan' || k === 'file' ? undefined : v,
    ),
  );
