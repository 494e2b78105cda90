/** For each message of the language a short test that gets it, and only it: for docs/errors.md and `pinfold errors`. */
import type { ErrorCode } from './errors.ts';

interface Parts {
  /** Of the initial block, a line each. */
  readonly init?: readonly string[];
  /** Bodies of P0, P1, ...; or blocks with a header of their own. */
  readonly threads?: readonly (readonly string[] | string)[];
  readonly condition?: string;
  /** Before the first line. */
  readonly head?: string;
}

const MEMORY =
  'char *buf = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);';
const PAGES = 'struct page *pages[1];';

const block = (lines: readonly string[]): string =>
  lines.length === 0 ? '{ }' : `{\n${lines.map((l) => `  ${l}`).join('\n')}\n}`;

/** A whole test of which only some parts matter. */
const whole = ({ init = [], threads = [['r0 = 1;']], condition, head = '' }: Parts): string =>
  [
    `${head}C example`,
    block(init),
    ...threads.map((t, i) => (typeof t === 'string' ? t : `P${i}()\n${block(t)}`)),
    condition ?? 'exists (0:r0=1)',
    '',
  ].join('\n');

/** One statement of P0. */
const body = (...lines: string[]): string => whole({ threads: [lines] });

const withMemory = (...lines: string[]): string =>
  whole({ init: [MEMORY, PAGES], threads: [lines] });

export const ERROR_EXAMPLES: Readonly<Record<ErrorCode, string>> = {
  L001: body('r0 = 1; @'),
  L002: `${body('r0 = 1;')}(* the end is missing\n`,
  L003: `C example "a title\n{ }\nP0()\n{\n  r0 = 1;\n}\nexists (0:r0=1)\n`,
  L004: body('r0 = 09;'),
  L010: 'X86 example\n{ }\nP0()\n{\n  r0 = 1;\n}\nexists (0:r0=1)\n',
  L011: body('r0 = ;'),
  L012: 'C example\n{ }\nP0()\n{\n  r0 = 1;\n}\n',
  L013: `${body('r0 = 1;')}P1() { }\n`,
  L014: whole({ init: ['struct iovec v;'] }),
  L015: body('goto end;', 'r0 = 1;'),
  L016: whole({ threads: [['r0 = 1;'], 'P1(int *x)\n{ }'] }),
  L017: `${body('r0 = 1;')}exists (0:r0=2)\n`,
  L018: body(`r0 = ${'('.repeat(80)}1${')'.repeat(80)};`),
  L030: whole({ head: '(* Result: Nevr (< 5.8) *)\n' }),
  L031: whole({ head: '(*\n * Result: Never (<= 5.8)\n * Result: Always (>= 5.8)\n *)\n' }),
  L032: whole({ head: '(* Design: one two *)\n' }),
  L040: withMemory('r0 = bufff[0];'),
  L041: withMemory('r0 = mumap(buf, PAGE_SIZE);'),
  L042: withMemory('r0 = munmap(buf);'),
  L043: withMemory('r0 = munmap(buf, buf);'),
  L044: body('int x;', 'r0 = x;'),
  L045: body('int x = 1;', 'int x = 2;', 'r0 = x;'),
  L046: body('PAGE_SIZE = 1;', 'r0 = 1;'),
  L047: withMemory('buf + 1 = 2;', 'r0 = 1;'),
  L048: withMemory('r0 = buf * 2;'),
  L049: withMemory('r0 = munmap(buf, PAGE_SIZE) + munmap(buf, PAGE_SIZE);'),
  L050: withMemory('r0 = pin_user_pages(buf, 1, FOLL_WRITE, pages);'),
  L051: withMemory('kernel: r0 = munmap(buf, PAGE_SIZE);'),
  L052: whole({
    init: [MEMORY, PAGES],
    threads: [['r0 = 1;'], 'K0()\n{\n  pin_user_pages(buf, 1, FOLL_WRITE, pages);\n}'],
  }),
  L053: whole({ init: ['fork(P1);'], threads: [['r0 = 1;'], []] }),
  L054: body('r0 = exit();'),
  L055: withMemory('r0 = mprotect(buf, PAGE_SIZE, PROT_READ | MAP_SHARED);'),
  L056: whole({ init: ['int p[2] = pipe();'], threads: [['r0 = p[2];']] }),
  L057: body('while (1) { }', 'r0 = 1;'),
  L058: body('break;', 'r0 = 1;'),
  L060: body('r0 = fork(P7);'),
  L061: body('r0 = fork(P0);'),
  L062: whole({ threads: [['r0 = fork(P1);', 'fork(P1);'], []] }),
  L063: whole({ threads: [['r0 = fork(P1);'], ['fork(P0);']] }),
  L064: whole({ threads: [['r0 = fork(K0);'], 'K0()\n{ }'] }),
  L065: whole({ threads: [['r0 = wait(P1);'], []] }),
  L066: body('await(ready);', 'r0 = 1;'),
  L067: body('post(ready);', 'r0 = 1;'),
  L068: body('barrier(meet);', 'r0 = 1;'),
  L069: whole({
    init: [
      'char *buf = mmap(NULL, HPAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);',
    ],
    threads: [['r0 = 1;']],
  }),
  L070: whole({ condition: 'exists (3:r0=1)' }),
  L071: whole({ condition: 'exists (0:r0=EFALT)' }),
  L072: whole({
    init: [MEMORY],
    threads: [['r0 = buf[0];']],
    condition: 'exists (pinned())',
  }),
  L073: whole({ condition: 'exists (r0=1)' }),
  L074: whole({ init: ['int p[2] = pipe();'], condition: 'exists (0:p=1)' }),
};
