/** Random small litmus tests whose threads race on two pages: for comparing searches with each other. */
import { Random } from '../../src/explore/random.ts';

const KERNELS = [
  '4.4',
  '5.7',
  '5.8',
  '5.9',
  '5.10',
  '5.11',
  '5.18',
  '5.19',
  '6.1',
  '6.5',
  '6.12',
  '7.3',
];

/** What a thread of process 0 may do; `r` and `p` are names of its own. */
const STATEMENTS: readonly ((r: string, p: string, random: Random) => string)[] = [
  (_r, _p, x) => `buf[${4096 * x.below(2)}] = ${2 + x.below(3)};`,
  (r, _p, x) => `${r} = buf[${4096 * x.below(2)}];`,
  (r, p, x) =>
    `kernel: { ${r} = get_user_pages_fast(buf, ${1 + x.below(2)}, ${x.below(2) === 0 ? '0' : 'FOLL_WRITE'}, ${p}); if (${r} > 0) page_write(${p}[0], 0, 7); }`,
  (r, p) =>
    `kernel: { ${r} = get_user_pages_fast(buf, 1, FOLL_WRITE, ${p}); if (${r} == 1) put_page(${p}[0]); }`,
  (r) => `${r} = madvise(buf, PAGE_SIZE, MADV_DONTNEED);`,
  (r, _p, x) =>
    `${r} = mprotect(buf, PAGE_SIZE, ${x.below(2) === 0 ? 'PROT_READ' : 'PROT_READ | PROT_WRITE'});`,
  (r) => `${r} = munmap(buf + PAGE_SIZE, PAGE_SIZE);`,
  (r) => `${r} = ptrace_write(P0, buf, 9);`,
];

/** The text of test number `seed`, and a kernel to explore it at. */
export const racingProgram = (seed: number): { readonly text: string; readonly kernel: string } => {
  const random = new Random(seed);
  const kernel = KERNELS[random.below(KERNELS.length)] ?? '6.12';
  const forks = random.below(2) === 1;
  const registers: string[] = [];
  const body = (thread: number, count: number): string => {
    const lines: string[] = [];
    for (let i = 0; i < count; i++) {
      const statement = STATEMENTS[random.below(STATEMENTS.length)];
      const line = statement?.(`r${i}`, `p${thread}`, random) ?? '';
      if (line.includes(`r${i} =`)) registers.push(`${thread}:r${i}`);
      lines.push(`  ${line}`);
    }
    return lines.join('\n');
  };
  const first = body(0, 1);
  const second = forks ? `  fork(P2);\n${body(1, 1)}` : body(1, 1 + random.below(2));
  const shown = [...registers, '0:buf[0]', '0:buf[4096]', ...(forks ? ['2:buf[0]'] : [])];
  const text = `C racing-${seed}
{
  char *buf = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct page *p0[2];
  struct page *p1[2];
  buf[0] = 1;
}
P0()
{
${first}
}
P1()
{
${second}
}
${forks ? 'P2()\n{\n  buf[0] = 5;\n}\n' : ''}locations [${shown.join('; ')};]
exists (0:buf[0]=1)
`;
  return { text, kernel };
};
