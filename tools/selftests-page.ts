/** The kernel's self-tests beside the tests of the library that say the same: a section of docs/conformance.md. */

/** One line of TAP. */
export interface SelftestCase {
  /** What is tried: `Basic COW after fork()`. */
  readonly what: string;
  /** On which memory: `THP (2048 kB)`. */
  readonly memory: string;
  readonly result: 'ok' | 'not ok' | 'xfail' | 'skip';
  /** Of a skip, its reason. */
  readonly reason: string;
}

export interface Selftests {
  readonly release: string;
  readonly source: string;
  readonly day: string;
  readonly programs: readonly { readonly name: string; readonly cases: readonly SelftestCase[] }[];
  /** By library test: the model's answer at that kernel, and how its own run there compared. */
  readonly library?: Readonly<Record<string, { readonly model: string; readonly host: string }>>;
}

/** Cases of what kselftest prints: `# [RUN] WHAT ... with MEMORY`, then `ok N ...`. */
export const casesOf = (tap: string): SelftestCase[] => {
  const cases: SelftestCase[] = [];
  let what = '';
  let memory = '';
  for (const line of tap.split('\n')) {
    const run = /^# \[RUN\] (.*?)(?: \.\.\. with (.*))?$/.exec(line);
    if (run !== null) [what, memory] = [run[1] ?? '', run[2] ?? ''];
    const end = /^(ok|not ok) \d+(.*)$/.exec(line);
    if (end === null) continue;
    const rest = end[2] ?? '';
    const skip = /# SKIP (.*)$/.exec(rest);
    const result =
      skip !== null ? 'skip' : /# XFAIL/.test(rest) ? 'xfail' : (end[1] as 'ok' | 'not ok');
    cases.push({ what, memory, result, reason: skip?.[1] ?? '' });
  }
  return cases;
};

/** Library tests of a case: its stem, what the library's condition is when the kernel does well, and what it is called else. */
const STEMS: ReadonlyMap<string, readonly [stem: string, good: 'Never' | 'Always']> = new Map([
  ['Basic COW after fork()', ['basic-cow', 'Never']],
  ['Basic COW', ['basic-cow', 'Never']],
  ['Basic COW after fork() with mprotect() optimization', ['basic-cow-mprotect', 'Never']],
  ['vmsplice() + unmap in child', ['vmsplice-child', 'Never']],
  [
    'vmsplice() + unmap in child with mprotect() optimization',
    ['vmsplice-child-mprotect', 'Never'],
  ],
  ['vmsplice() before fork(), unmap in parent after fork()', ['vmsplice-parent-page', 'Never']],
  ['vmsplice() + unmap in parent after fork()', ['vmsplice-parent-after-fork', 'Never']],
  ['R/O-mapping a page registered as iouring fixed buffer', ['iouring-mprotect-write', 'Never']],
  ['fork() with an iouring fixed buffer', ['iouring-fork-write', 'Never']],
  ['R/O GUP pin on R/O-mapped shared page', ['ro-pin-shared', 'Always']],
  ['R/O GUP-fast pin on R/O-mapped shared page', ['ro-fast-pin-shared', 'Always']],
  ['R/O GUP pin on R/O-mapped previously-shared page', ['ro-pin-previously-shared', 'Always']],
  [
    'R/O GUP-fast pin on R/O-mapped previously-shared page',
    ['ro-fast-pin-previously-shared', 'Always'],
  ],
  ['R/O GUP pin on R/O-mapped exclusive page', ['ro-pin-exclusive', 'Always']],
  ['R/O GUP-fast pin on R/O-mapped exclusive page', ['ro-fast-pin-exclusive', 'Always']],
  [
    'Basic COW after fork() when collapsing before fork()',
    ['basic-cow-collapse-before-fork', 'Never'],
  ],
  [
    'Basic COW after fork() when collapsing after fork() (fully shared)',
    ['basic-cow-collapse-after-fork', 'Never'],
  ],
]);

const SUFFIX: Readonly<Record<string, string>> = {
  'base page': '',
  '': '',
  'swapped out base page': '-swapped',
  'THP (2048 kB)': '-thp',
  THP: '-thp',
  'hugetlb (2048 kB)': '-hugetlb',
  'shared zeropage': '-zero-page',
  'huge zeropage': '-huge-zero',
  memfd: '-memfd',
  'memfd hugetlb (2048 kB)': '-memfd-hugetlb',
};

/** Library tests that go by another name. */
const NAMED: ReadonlyMap<string, readonly [test: string, good: 'Never' | 'Always']> = new Map([
  ['R/O longterm GUP pin ... with huge zeropage', ['ro-longterm-huge-zero', 'Always']],
  ['R/O longterm GUP pin ... with shared zeropage', ['ro-longterm-zero-page', 'Never']],
  [
    'R/O longterm GUP pin ... with memfd hugetlb (2048 kB)',
    ['longterm-ro-memfd-hugetlb', 'Always'],
  ],
  [
    'R/W longterm GUP pin in MAP_SHARED file mapping ... with memfd',
    ['longterm-shared-tmpfs', 'Always'],
  ],
  [
    'io_uring fixed buffer with MAP_SHARED file mapping ... with local tmpfile',
    ['io-uring-registers-ext4', 'Always'],
  ],
]);

const shownResult = (c: SelftestCase): string =>
  c.result === 'skip' ? `skipped: ${c.reason}` : c.result;

/** The library test that says the same as the case, and its observation where the kernel does well. */
const libraryTest = (c: SelftestCase): readonly [test: string, good: 'Never' | 'Always'] | null => {
  const name = `${c.what} ... with ${c.memory}`;
  const stem = STEMS.get(c.what);
  const suffix = SUFFIX[c.memory];
  return (
    NAMED.get(name) ??
    (stem === undefined || suffix === undefined ? null : [`${stem[0]}${suffix}`, stem[1]])
  );
};

/** Names of all library tests that stand beside a case; not each of them is there. */
export const libraryTests = (all: Selftests): readonly string[] => [
  ...new Set(all.programs.flatMap((p) => p.cases.flatMap((c) => libraryTest(c)?.[0] ?? []))),
];

const row = (c: SelftestCase, library: NonNullable<Selftests['library']>): string | null => {
  const [test = '', good = ''] = libraryTest(c) ?? [];
  const found = library[test];
  if (found === undefined) return null;
  const works = found.model === good;
  const agree = c.result === 'skip' ? '' : (c.result === 'ok') === works ? 'yes' : '**no**';
  const cells = [
    c.what,
    c.memory,
    shownResult(c),
    test,
    found.model,
    works ? 'works' : 'does not',
    found.host,
    agree,
  ];
  return `| ${cells.join(' | ')} |`;
};

/** The section of docs/conformance.md. */
export const selftestSection = (all: Selftests): string[] => {
  const lines = [
    "## The kernel's own self-tests",
    '',
    `tools/testing/selftests/mm of ${all.source}, built and run on ${all.release} (${all.day}) by \`node tools/selftests.ts\`.`,
    "Cases that a test of the library says, too: what the self-test found, the model's answer, and this kernel's own run of the",
    'library test (empty: only the kernel itself can make its calls).',
    '',
  ];
  for (const { name, cases } of all.programs) {
    const count = (result: SelftestCase['result']): number =>
      cases.filter((c) => c.result === result).length;
    const reasons = new Map<string, number>();
    for (const c of cases)
      if (c.result === 'skip') reasons.set(c.reason, (reasons.get(c.reason) ?? 0) + 1);
    const rows = cases.flatMap((c) => row(c, all.library ?? {}) ?? []);
    lines.push(
      `### ${name}.c`,
      '',
      `${cases.length} cases: ${count('ok')} ok, ${count('xfail')} expected failures, ${count('not ok')} not ok, ${count('skip')} skipped` +
        `${reasons.size === 0 ? '' : ` (${[...reasons].map(([r, n]) => `${n} ${r}`).join('; ')})`}. ${rows.length} of them have a test in the library.`,
      '',
      '| case | memory | self-test | library test | condition in the model | the kernel | run here | agree |',
      '|---|---|---|---|---|---|---|---|',
      ...rows,
      '',
    );
  }
  return lines;
};
