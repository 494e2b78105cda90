import { describe, expect, test } from 'vitest';
import { ERRORS, parse } from '../../src/litmus/index.ts';
import { check, places, withBody } from './helpers.ts';

const simple = (condition: string, head = ''): string =>
  `${head}C t\n{ int n; }\nP0() { r0 = 1; }\n${condition}\n`;

/** Text, and every diagnostic it gives with its place. */
const BAD: readonly (readonly [name: string, text: string, found: readonly string[]])[] = [
  ['odd character', withBody('  r0 = 1 @ 2;'), ['L001@10:10', 'L011@10:12']],
  ['open comment', `${simple('exists (0:r0=1)')}(* never`, ['L002@5:1']],
  ['open string', withBody('  r0 = open("/tmpfs/f, O_RDWR);'), ['L003@10:13', 'L011@11:3']],
  ['open character', withBody("  r0 = 'ab';"), ['L003@10:8', 'L011@10:9', 'L003@10:11']],
  [
    'bad number',
    withBody('  r0 = 0x;\n  r1 = 09;\n  r2 = 99999999999999999999;'),
    ['L004@10:8', 'L004@11:8', 'L004@12:8'],
  ],
  ['no name', '{ }\nP0() { r0 = 1; }\nexists (0:r0=1)', ['L010@1:1']],
  ['other first line', 'X86 SB\n{ }\nP0() { r0 = 1; }\nexists (0:r0=1)', ['L010@1:1']],
  ['no semicolon', withBody('  r0 = 1\n  r1 = 2;'), ['L011@10:9']],
  [
    'no closing brace',
    'C t\n{ }\nP0() {\n  r0 = 1;\nP1() { r0 = 1; }\nexists (0:r0=1)',
    ['L011@5:1'],
  ],
  ['two errors', withBody('  r0 = ;\n  munmap(buf PAGE_SIZE);'), ['L011@10:8', 'L011@11:14']],
  ['syntax and name', withBody('  r0 = ;\n  r1 = buff[0];'), ['L011@10:8', 'L040@11:8']],
  ['no initial block', 'C t\nP0() { r0 = 1; }\nexists (0:r0=1)', ['L012@2:1']],
  ['no thread', 'C t\n{ }\nexists (true)', ['L012@3:14']],
  ['no condition', 'C t\n{ }\nP0() { r0 = 1; }', ['L012@3:17']],
  ['text behind', simple('exists (0:r0=1)\nP1() { }'), ['L013@5:1']],
  [
    'structure',
    withBody('  struct iovec v;\n  void x;\n  struct page q;\n  uint r0;\n  int z[0];'),
    ['L014@10:10', 'L014@11:8', 'L014@12:15', 'L014@13:3', 'L014@14:9'],
  ],
  [
    'missing C',
    withBody(
      '  switch (1) { }\n  goto x;\n  ++r0;\n  r0 = sizeof(int);\n  a = b = 1;\n  buf->x = 1;\n  return 1;',
    ),
    ['L015@10:3', 'L015@11:3', 'L015@12:3', 'L015@13:8', 'L015@14:9', 'L015@15:6', 'L015@16:10'],
  ],
  [
    'thread with argument',
    'C t\n{ }\nP0(int *x) { r0 = 1; }\nP1() { r0 = 1; }\nexists (1:r0=1)',
    ['L016@3:4'],
  ],
  [
    'thread of another name',
    'C t\n{ }\nT0() { r0 = 1; }\nP1() { r0 = 1; }\nexists (1:r0=1)',
    ['L016@3:1'],
  ],
  ['thread twice', 'C t\n{ }\nP0() { r0 = 1; }\nP0() { r0 = 1; }\nexists (0:r0=1)', ['L017@4:1']],
  ['condition twice', simple('exists (0:r0=1)\nexists (0:r0=2)'), ['L017@5:1']],
  ['initial block twice', 'C t\n{ }\n{ }\nP0() { r0 = 1; }\nexists (0:r0=1)', ['L017@3:1']],
  ['too deep', withBody(`  r0 = ${'('.repeat(300)}1${')'.repeat(300)};`), ['L018@10:67']],
  [
    'else if too often: nothing is said of the rest',
    withBody(`  if (r0) r1 = 1;${'\n  else if (r0 == 2) r1 = 2;'.repeat(130)}\n  else r1 = ;`),
    ['L018@127:21'],
  ],
  [
    'a test of `if` that is wrong, with branches',
    withBody('  if (r0 = ) { r1 = 1; } else if (r0) { r1 = 2; } else { r1 = ; }'),
    ['L011@10:10', 'L011@10:63'],
  ],
  [
    'bad Result',
    simple(
      'exists (0:r0=1)',
      '(*\n * Result: Nevr\n * Result: Never (< five)\n * result: Never\n * Result: Never perhaps\n *)\n',
    ),
    ['L030@2:4', 'L030@3:4', 'L030@4:4', 'L030@5:4'],
  ],
  [
    'Results disagree',
    simple('exists (0:r0=1)', '// Result: Never (<= 5.8)\n// Result: Always (>= 5.8)\n'),
    ['L031@2:4'],
  ],
  ['bad Design', simple('exists (0:r0=1)', '// Design: a b\n'), ['L032@1:4']],
  ['unknown name', withBody('  r0 = bufff[0];\n  r1 = MAP_FAILED;'), ['L040@10:8', 'L040@11:8']],
  ['block ended', withBody('  if (1) { int x = 1; }\n  r0 = x;'), ['L040@11:8']],
  [
    'undeclared in the initial block',
    'C t\n{ x = 1; }\nP0() { r0 = 1; }\nexists (0:r0=1)',
    ['L040@2:3'],
  ],
  ['unknown call', withBody('  mumap(buf, PAGE_SIZE);\n  malloc(1);'), ['L041@10:3', 'L041@11:3']],
  ['wrong count', withBody('  munmap(buf);'), ['L042@10:3']],
  [
    'wrong types',
    withBody(
      '  munmap(buf, buf);\n  close(p);\n  kernel: put_page(pages);\n  kernel: put_page(buf);\n  open(buf, O_RDWR);\n  post(1);\n  kernel: get_user_pages(buf, 1, 0, buf);\n  pipe(buf);\n  munmap("x", 1);\n  fork(1);',
    ),
    [
      'L043@10:15',
      'L043@11:9',
      'L043@12:20',
      'L043@13:20',
      'L043@14:8',
      'L043@15:8',
      'L043@16:37',
      'L043@17:8',
      'L043@18:10',
      'L043@19:8',
    ],
  ],
  [
    'read before assignment',
    withBody('  r0 = r1;\n  r1 = 1;\n  int x;\n  r2 = x;\n  r3 += 1;'),
    ['L040@10:8', 'L044@13:8', 'L044@14:3'],
  ],
  [
    'declared twice',
    withBody('  int x;\n  { int x; }\n  int n;\n  { int y; }\n  { char *y; }'),
    ['L045@11:5', 'L045@12:3', 'L045@14:5'],
  ],
  [
    'reserved names',
    withBody('  PAGE_SIZE = 1;\n  int mmap = 1;\n  P1 = 2;\n  kernel = 3;'),
    ['L046@10:3', 'L046@11:3', 'L046@12:3', 'L046@13:3'],
  ],
  [
    'not assignable',
    withBody('  1 = 2;\n  p = 3;\n  buf + 1 = 2;'),
    ['L047@10:3', 'L047@11:3', 'L047@12:3'],
  ],
  [
    'operand types',
    withBody(
      '  r0 = n[0];\n  r1 = *n;\n  r2 = buf * 2;\n  n = buf;\n  r3 = -buf;\n  r4 = 1 / 0;\n  r5 = &n;\n  buf[buf] = 1;\n  int a[2] = 1;\n  pipe();',
    ),
    [
      'L048@10:8',
      'L048@11:8',
      'L048@12:8',
      'L048@13:7',
      'L048@14:8',
      'L048@15:8',
      'L048@16:8',
      'L048@17:7',
      'L048@18:14',
      'L048@19:3',
    ],
  ],
  [
    'calls in calls',
    withBody('  munmap(buf, close(1));\n  r0 = n && close(1);\n  r1 = close(1) + close(2);'),
    ['L049@10:15', 'L049@11:13', 'L049@12:19'],
  ],
  [
    'no value in any C',
    withBody('  r0 = 1 / 0;\n  r0 = 1 << 64;\n  r0 = n >> -1;\n  r0 = 1 << 63;'),
    ['L048@10:8', 'L048@11:13', 'L048@12:13'],
  ],
  ['kernel call in user mode', withBody('  r0 = page_mapcount(pages[0]);'), ['L050@10:8']],
  [
    'system call in kernel mode',
    withBody('  kernel: munmap(buf, 1);', 'K0() { close(1); }'),
    ['L051@10:11', 'L051@13:8'],
  ],
  [
    'no address space',
    withBody('', 'K0() { pin_user_pages(buf, 1, 0, pages);\n  r0 = buf[0]; }'),
    ['L052@13:8', 'L052@14:8'],
  ],
  [
    'fork in the initial block',
    'C t\n{ fork(P0); return; }\nP0() { r0 = 1; }\nexists (0:r0=1)',
    ['L053@2:3', 'L053@2:13'],
  ],
  ['void value', withBody('  r0 = exit();'), ['L054@10:8']],
  [
    'flag of another call',
    withBody('  mprotect(buf, PAGE_SIZE, PROT_READ | MAP_SHARED);'),
    ['L055@10:40'],
  ],
  [
    'outside an array',
    withBody('  r0 = p[2];\n  kernel: get_user_pages(buf, 3, 0, pages);'),
    ['L056@10:10', 'L056@11:31'],
  ],
  [
    'loops without bound',
    withBody('  while (1) { }\n  for (;;) n = 1;\n  while (n < 3) { }'),
    ['L057@10:10', 'L057@11:3', 'L057@12:10'],
  ],
  ['break outside', withBody('  break;'), ['L058@10:3']],
  ['no such thread', withBody('  fork(P7);'), ['L060@10:8']],
  ['forks itself', withBody('  fork(P0);'), ['L061@10:8']],
  [
    'forked twice',
    withBody('  fork(P1);\n  fork(P1);\n  for (i = 0; i < 2; i++) fork(P2);', 'P1() { }\nP2() { }'),
    ['L062@11:8', 'L062@12:32'],
  ],
  ['fork circle', withBody('  fork(P1);', 'P1() { fork(P0); }'), ['L063@13:13']],
  ['fork of a kernel context', withBody('  fork(K0);', 'K0() { }'), ['L064@10:8']],
  ['wait for nobody', withBody('  wait(P1);', 'P1() { }'), ['L065@10:8']],
  ['never posted', withBody('  await(x);'), ['L066@10:9']],
  ['never awaited', withBody('  post(x);'), ['L067@10:8']],
  ['lonely barrier', withBody('  barrier(x);'), ['L068@10:11']],
  [
    'empty pool of huge pages',
    withBody('  r0 = memfd_create("m", MFD_HUGETLB);\n  r1 = memfd_create("n", MFD_HUGETLB);'),
    ['L069@10:26'],
  ],
  ['missing thread in condition', simple('exists (3:r0=1 /\\ K0:r0=1)'), ['L070@4:9', 'L070@4:19']],
  [
    'unknown in condition',
    simple(
      'exists (0:r1=1 \\/ 0:r0=EFALT \\/ pined(0:n) \\/ nr_foll_pin_aquired=1 \\/ disk(fd)[0]=1)',
    ),
    ['L071@4:11', 'L071@4:24', 'L071@4:33', 'L071@4:47', 'L071@4:72'],
  ],
  [
    'question with wrong arguments',
    withBody('', '', 'exists (pinned() /\\ pinned(1) /\\ pinned(0:pages))'),
    ['L072@14:9', 'L072@14:28', 'L072@14:41'],
  ],
  ['no thread before a name', simple('exists (r0=1)'), ['L073@4:9']],
  [
    'not comparable',
    withBody('', '', 'exists (0:p=1 /\\ ref_count(0:buf) /\\ disk(buf)[0]=1 /\\ 0:close(1)=1)'),
    ['L074@14:9', 'L074@14:18', 'L074@14:38', 'L074@14:58'],
  ],
  ['double equals', simple('exists (0:r0==1)'), ['L011@4:13']],
  ['C joins', simple('exists (0:r0=1 && 0:r0=2)'), ['L011@4:16']],
];

describe('each error has its code and place', () => {
  test.each(BAD)('%s', (_, text, found) => {
    expect(check(text)).toEqual(found);
  });

  test('every code is reached by a text above', () => {
    const reached = new Set(BAD.flatMap(([, , found]) => found.map((f) => f.slice(0, 4))));
    expect(Object.keys(ERRORS).filter((code) => !reached.has(code))).toEqual([]);
  });

  test('every diagnostic says what to do, and a warning alone does not refuse the test', () => {
    for (const [, text] of BAD) {
      const r = parse(text, 'f');
      for (const d of r.diagnostics)
        expect([d.message, d.hint].every((m) => m.length > 3)).toBe(true);
      expect(r.test === undefined).toBe(r.diagnostics.some((d) => d.severity === 'error'));
      expect(places(r.diagnostics)).toEqual(
        places([...r.diagnostics].sort((a, b) => a.span.start - b.span.start)),
      );
    }
  });
});

test.each([
  ['  mumap(buf, 1);', 'munmap'],
  ['  munmap(bufff, 1);', 'buf'],
  ['  mprotect(buf, 1, PORT_READ);', 'PROT_READ'],
])('did you mean: %s', (body, meant) => {
  expect(parse(withBody(body), 'f').diagnostics[0]?.hint).toBe(`did you mean \`${meant}\`?`);
});
