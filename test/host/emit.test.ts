/** The C programs: three of them as they are, and all of them without a warning. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, compiler } from '../../src/host/build.ts';
import { emitProgram } from '../../src/host/emit.ts';
import { staticSkip } from '../../src/host/skip.ts';
import { checkedFile, checkedText, PRIVATE, root } from './helpers.ts';

const GOLDEN = [
  'library/vmsplice/vmsplice-child.litmus',
  'library/direct-io/read-counts.litmus',
  'library/hugetlb/iouring-fork-write-hugetlb.litmus',
];
const WARNINGS = ['-Wall', '-Wextra', '-Werror'];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinfold-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const builds = (source: string): string => {
  const built = build(source, folder, WARNINGS);
  return built.ok ? '' : built.reason;
};

describe('golden programs', () => {
  test.each(GOLDEN)('%s', async (path) => {
    const source = emitProgram(checkedFile(path));
    const name = path.split('/').at(-1)?.replace('.litmus', '.c');
    await expect(source).toMatchFileSnapshot(`golden/${name}`);
  });

  test.skipIf(compiler() === null)('they build without a warning', () => {
    for (const path of GOLDEN) expect(builds(emitProgram(checkedFile(path)))).toBe('');
  });
});

describe('every construct', () => {
  test.skipIf(compiler() === null)(
    'expressions, loops and types become C that means the same',
    () => {
      const checked = checkedText(`C constructs
{
  char *buf = ${PRIVATE};
  int p[2] = pipe();
  int fd = memfd_create("m", 0);
  unsigned long n = 3;
  u8 small = 255;
}
P0()
{
  int sum = 0;
  barrier(b);
  for (i = 0; i < 3; i++) {
    if (i == 1) continue;
    sum += i << 2;
  }
  for (j = 0; j < 3; j++) { if (j == 2) break; }
  *(buf + 1) = sum & 7 | 8;
  *(short *)(buf + 2) = -2;
  r0 = *(short *)(buf + 2);
  r1 = small > 3 ? n : -n;
  r2 = (char)200;
  r3 = read(p[0], 2);
  buf[4] += 2;
  if (r0 == -2 && !(r1 == 0)) { r4 = ~0; } else r4 = 5 % 3;
  return;
}
K0()
{
  post(done);
}
P1()
{
  await(done);
  barrier(b);
}
filter (0:r0 = -2)
locations [0:r4; 0:*(short *)(buf + 2); disk(fd)[0];]
forall (0:r0 = -2 /\\ (0:buf[4] = 2 \\/ ~(0:r1 > 5)))
`);
      expect(staticSkip(checked)).toBeNull();
      expect(builds(emitProgram(checked))).toBe('');
    },
  );

  test.skipIf(compiler() === null)('a tenth of our own tests build without a warning', () => {
    const names = readdirSync(`${root}/test/host/litmus`).sort();
    for (const name of names.filter((_, i) => i % 10 === 0))
      expect({ name, why: builds(emitProgram(checkedFile(`test/host/litmus/${name}`))) }).toEqual({
        name,
        why: '',
      });
  });
});

describe('skips name the call', () => {
  const reason = (body: string, condition = 'exists (true)'): string | null =>
    staticSkip(
      checkedText(`C t
{
  char *buf = ${PRIVATE};
  struct page *pages[1];
}
P0()
{
  ${body}
}
${condition}
`),
    );

  test.each([
    ['kernel: r0 = pin_user_pages_fast(buf, 1, 0, pages);', 'pin_user_pages_fast()'],
    ['r0 = ibv_reg_mr(buf, PAGE_SIZE, 0);', 'ibv_reg_mr()'],
    ['r0 = open("/dax/f", O_RDWR);', 'open("/dax/f")'],
    ['r0 = open("/tmpfs/../etc/passwd", O_RDWR);', 'open("/tmpfs/../etc/passwd")'],
    ['r0 = open("/tmpfs/a/b", O_RDWR);', 'open("/tmpfs/a/b")'],
    ['madvise(buf, PAGE_SIZE, MADV_HWPOISON);', 'madvise(MADV_HWPOISON)'],
    ['compact();', 'compact()'],
    ['r0 = shrink();', 'shrink()'],
  ])('%s', (body, call) => expect(reason(body)).toContain(call));

  test.each(['pinned(0:buf)', 'exclusive(0:buf)', 'ref_count(0:buf)=1'])('%s', (question) =>
    expect(reason('r0 = 1;', `exists (${question})`)).toContain(question.replace(/\(.*/, '()')),
  );

  test('a register that holds an address', () =>
    expect(reason('r0 = buf;', 'exists (0:r0 = 0)')).toContain('an address differs'));
});
