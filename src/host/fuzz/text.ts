/** A random program as litmus text, and as the line of numbers that the interpreter in C reads. */
import { parse, print } from '../../litmus/index.ts';
import { renderDiagnostics } from '../../litmus/render.ts';
import { FUZZ_CALLS, FUZZ_QUERIES } from './calls.ts';
import { address, bodies, byteAt, type FuzzProgram, type Op, PAGE, threadsOf } from './program.ts';

/** A question about the end: of process `of`, at a place; the second place is for `same_page`. */
interface Question {
  readonly kind: string;
  readonly text: string;
  readonly numbers: readonly number[];
}

const NO_PLACE = [0, -1, 0] as const;

const COUNTERS = [
  ['acquired', 'nr_foll_pin_acquired'],
  ['released', 'nr_foll_pin_released'],
] as const;

/** Registers first, then pages, then memory, which looking at may bring in. */
const questions = (p: FuzzProgram): Question[] => {
  const threads = threadsOf(p);
  const found: Question[] = p.ops
    .filter((o) => o.reg >= 0)
    .map((o) => ({
      kind: 'reg',
      text: `${o.thread}:r${o.reg}`,
      numbers: [o.thread, -1, o.reg, ...NO_PLACE],
    }));
  // Before anything else is asked: to read the memory of a process is to pin it.
  if (p.counters)
    for (const [kind, text] of COUNTERS)
      found.push({ kind, text, numbers: [0, -1, 0, ...NO_PLACE] });
  const bytes: Question[] = [];
  const pages: Question[] = [];
  for (const { base, looks, kind } of p.regions)
    for (const look of looks)
      for (const t of threads) {
        const at = address(base, look * PAGE);
        const where = `${t}:${at.text}`;
        const place = [t, base, at.value] as const;
        const ask = (query: string): void => {
          pages.push({ kind: query, text: `${query}(${where})`, numbers: [...place, ...NO_PLACE] });
        };
        ask('swapped');
        ask('present');
        // The kernel calls hugetlb memory huge also where nothing is mapped.
        if (kind === 'thp') ask('huge');
        ask('map_count');
        if (t > 0)
          pages.push({
            kind: 'same_page',
            text: `same_page(0:${at.text}, ${where})`,
            numbers: [0, base, at.value, ...place],
          });
        bytes.push({
          kind: 'byte',
          text: `${t}:${byteAt(base, look * PAGE).text}`,
          numbers: [...place, ...NO_PLACE],
        });
      }
  return [...found, ...pages, ...bytes];
};

const statement = (op: Op): string => {
  const args = op.args.map((a) => a.text).filter((t) => t !== '');
  const result = op.reg >= 0 ? `r${op.reg} = ` : '';
  if (op.call === 'load') return `${result}${args[0]};`;
  if (op.call === 'store') return `${args[0]} = ${args[1]};`;
  if (op.call === 'pipe') return 'int p[2] = pipe();';
  if (op.call === 'take') return `${result}read(${args.join(', ')});`;
  if (op.call === 'memfd_create') return `int ${args[0]} = memfd_create("f", ${args[1]});`;
  if (op.call === 'open')
    return `int ${args[0]} = open("/ext4/f", O_RDWR | O_CREAT | O_DIRECT, 0600);`;
  if (op.call === 'mmap' && op.reg <= -2)
    return `char *${'abc'[-2 - op.reg]} = mmap(${args.join(', ')});`;
  return `${result}${op.call}(${args.join(', ')});`;
};

const bodiesOf = (p: FuzzProgram): readonly (readonly Op[])[] => {
  const body = bodies(p);
  if (body === null) throw new RangeError(`${p.name}: its steps have not one order`);
  return body;
};

/** What is asked of the end, in the order of the answers. */
export const questionTexts = (p: FuzzProgram): readonly string[] => questions(p).map((q) => q.text);

/** The canonical text of a program with comments before it. */
export const litmusText = (p: FuzzProgram, header = ''): string => {
  const text = roughText(p, header);
  const { checked, diagnostics } = parse(text, `${p.name}.litmus`);
  if (checked === undefined) throw new Error(`${renderDiagnostics(diagnostics, text)}\n${text}`);
  return print(checked.test);
};

/** The text of a program as it comes: for readers that are no people. */
export const roughText = (p: FuzzProgram, header = ''): string => {
  const body = bodiesOf(p);
  const threads = threadsOf(p);
  const asked = questionTexts(p);
  return [
    `C ${p.name}`,
    header === ''
      ? ''
      : `(*\n${header
          .split('\n')
          .map((l) => ` * ${l}`.trimEnd())
          .join('\n')}\n *)`,
    '{',
    ...p.init.map(statement),
    '}',
    ...threads
      .toSorted((x, y) => x - y)
      .flatMap((t) => [`P${t}() {`, ...(body[t] ?? []).map(statement), '}']),
    asked.length === 0 ? '' : `locations [${asked.map((t) => `${t};`).join(' ')}]`,
    'exists (true)',
  ].join('\n');
};

const CODES = new Map(Object.keys(FUZZ_CALLS).map((name, i) => [name, i]));
const QUERIES = new Map(Object.keys(FUZZ_QUERIES).map((name, i) => [name, i]));

const encodeOps = (ops: readonly Op[]): number[] => [
  ops.length,
  ...ops.flatMap((o) => [
    CODES.get(o.call) ?? -1,
    o.reg,
    o.args.length,
    ...o.args.flatMap((a) => [a.base, a.value]),
  ]),
];

/** The line for the interpreter: the number of the program, four bodies (the last is the initial block), questions. */
export const encode = (p: FuzzProgram, id: number): string => {
  const body = bodiesOf(p);
  const asked = questions(p);
  return [
    id,
    ...body.flatMap(encodeOps),
    ...encodeOps(p.init),
    asked.length,
    ...asked.flatMap((q) => [QUERIES.get(q.kind) ?? -1, ...q.numbers]),
  ].join(' ');
};
