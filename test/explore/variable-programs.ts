/**
 * Random small litmus tests whose threads race on variables: with loops that wait for somebody, locks, events, registers that
 * nobody reads, and now and then a BUG. For comparing searches with each other.
 */
import { Random } from '../../src/explore/random.ts';

const NAMES = ['x', 'y', 'z'] as const;

/** The text of test number `seed`, which ends whatever happens; unless it is `endless`, where threads may wait for what nobody does any more. */
export const variableProgram = (seed: number, endless = false): string => {
  const random = new Random(seed);
  const name = (): string => NAMES[random.below(NAMES.length)] ?? 'x';
  const threads = 2 + random.below(3);
  const registers: string[] = [];
  const waits = random.below(2) === 0;
  const body = (thread: number): string[] => {
    // A loop that waits for what nobody writes would take no steps.
    const lines: string[] = endless && thread === 0 ? ['  x = 0; y = 0; z = 0;'] : [];
    const count = 1 + random.below(threads === 4 ? 2 : 3);
    for (let i = 0; i < count; i++) {
      const r = `r${i}`;
      const value = 1 + random.below(2);
      const statements = [
        () => `${name()} = ${value};`,
        () => `${r} = ${name()}; if (${r} == ${value}) { ${name()} = ${value}; }`,
        () => `${r} = ${name()};`,
        () => `kernel: { spin_lock(l); ${name()} = ${name()} + 1; spin_unlock(l); }`,
        () => `for (i${i} = 0; i${i} < 2; i${i} += 1) { ${name()} = i${i}; }`,
        () => `${r} = 1; while (${r} != 0) { ${r} = stop; }`,
        () => `await(e);`,
        () => `if (${name()} == 2) { kernel: put_page(p[0]); }`,
      ];
      if (endless && random.below(2) === 0)
        statements.splice(0, 5, () => `${r} = 0; while (${r} != ${value}) { ${r} = ${name()}; }`);
      // The first thread lets the others go on: it waits for nobody.
      const kinds = thread === 0 ? Math.min(5, statements.length - 3) : statements.length;
      const line = statements[random.below(kinds)]?.() ?? '';
      if (line.includes(`${r} = `)) registers.push(`${thread}:${r}`);
      lines.push(`  ${line}`);
    }
    if (thread === 0)
      lines.splice(random.below(lines.length + 1), 0, '  stop = 0;', waits ? '  post(e);' : '');
    return lines;
  };
  const bodies = Array.from({ length: threads }, (_, t) => body(t));
  // Now and then the last one is a child of the first: then it has the variables as they are when it is forked.
  if (random.below(4) === 0)
    bodies[0]?.splice(random.below((bodies[0]?.length ?? 0) + 1), 0, `  fork(P${threads - 1});`);
  const posted = bodies.flat().some((line) => line.includes('post(e)'));
  const awaited = bodies.flat().some((line) => line.includes('await(e)'));
  const shown = registers.filter(() => random.below(2) === 0);
  const text = bodies
    .map((lines, t) => {
      const kept = lines
        .filter((line) => posted || !line.includes('await(e)'))
        .filter((line) => awaited || !line.includes('post(e)'));
      return `P${t}()\n{\n${kept.join('\n')}\n}\n`;
    })
    .join('\n');
  return `C variables-${seed}
{
  int x = 0;
  int y = 0;
  int z = 0;
  int stop = 1;
  char *buf = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct page *p[1];
  buf[0] = 1;
  kernel: get_user_pages_fast(buf, 1, FOLL_WRITE, p);
}
${text}
locations [${['0:x', '0:y', '0:z', ...shown].join('; ')};]
exists (0:x=1)
`;
};
