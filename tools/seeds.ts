/**
 * Writes docs/seeds.md: each row of the five discussions (seeds.md), and the command that shows it with what it prints.
 * test/readme.test.ts runs every command again and compares.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILE = `${ROOT}docs/seeds.md`;

interface Row {
  readonly id: string;
  readonly what: string;
  /** What of it the commands don't show; '' for nothing. */
  readonly lacks: string;
  readonly commands: readonly string[];
}

const check = (kernels: string, ...tests: readonly string[]): string =>
  `./pinfold check -k ${kernels} ${tests.map((t) => `library/${t}.litmus`).join(' ')}`;

const compare = (designs: string, ...tests: readonly string[]): string =>
  `./pinfold check --design ${designs} --compare ${tests.map((t) => `library/${t}.litmus`).join(' ')}`;

const ROWS: readonly Row[] = [
  {
    id: 'A1',
    what: 'FOLL_PIN and FOLL_LONGTERM are set by the calls, and refused from a call site.',
    lacks: '',
    commands: [
      check(
        '5.4,5.6,6.12',
        'refcount/internal-flag-from-caller',
        'refusal/get-asks-for-pin',
        'longterm/longterm-without-pin',
      ),
    ],
  },
  {
    id: 'A2',
    what: 'FOLL_PIN and FOLL_GET exclude each other in one call; both kinds may be held on one page.',
    lacks: '',
    commands: [check('5.6,6.12', 'refusal/pin-asks-for-get', 'release/mixed-references')],
  },
  {
    id: 'A3',
    what: 'A pin is 1024 references: 1024 others look like one, 1023 do not.',
    lacks: '',
    commands: [
      check(
        '5.6,5.7,6.12',
        'refcount/bias-of-a-pin',
        'refcount/many-gets-look-like-a-pin',
        'refcount/1023-gets-are-no-pin',
      ),
    ],
  },
  {
    id: 'A4',
    what: 'The limits of the design of 2019: a huge page pinned by its 4 KiB pages overflows. Of a 1 GiB page eight whole pins fit, not the 16 of the discussion: the count has a sign.',
    lacks: '',
    commands: [
      compare(
        'bias-2019',
        'design/huge-page-overflows-its-bias',
        'design/gigantic-page-leaves-few-pins',
      ),
      check('5.7,6.12', 'design/huge-page-overflows-its-bias'),
    ],
  },
  {
    id: 'A5',
    what: 'The cases of pinning: direct I/O (1), RDMA (2), writing by the kernel (5).',
    lacks:
      'case 3, on-demand paging with MMU notifiers, and case 4 have no family of their own here',
    commands: [
      check(
        '5.4,5.8,5.9,6.4,6.5',
        'direct-io/read-in-flight-fork',
        'callers/rdma-fork-parent-writes',
        'force/process-vm-write-read',
      ),
    ],
  },
  {
    id: 'A6',
    what: 'Who asks whether a page is pinned when it is cleaned: nobody in mainline; the proposals of 2018 leave it dirty, or wait.',
    lacks: '',
    commands: [
      check('5.4,5.7,6.12', 'writeback/nobody-asks-when-cleaning'),
      compare(
        'pg-dma-pinned,range-lock,bias-2019',
        'design/flusher-leaves-page-under-dma',
        'design/fsync-waits-for-the-device',
      ),
    ],
  },
  {
    id: 'A7',
    what: 'Releases, with and without dirtying; one of the wrong kind is found.',
    lacks: '',
    commands: [
      check(
        '5.4,5.7,6.12',
        'release/put-user-page',
        'release/dirty-lock-marks-once',
        'release/unpin-of-a-get',
        'release/put-page-of-a-pin',
      ),
    ],
  },
  {
    id: 'A8',
    what: 'Longterm pins of DAX pages are refused; a short pin makes truncation wait.',
    lacks: 'the lease that was planned as a prerequisite',
    commands: [check('5.10,6.12,6.18', 'dax/longterm-refused', 'dax/truncate-waits-for-get')],
  },
  {
    id: 'A9',
    what: 'The counters, by their names of 2019 and of today.',
    lacks: 'their cost, which is a benchmark',
    commands: [
      check('5.6,5.7,6.12', 'callers/goldfish-counts-pins'),
      compare('bias-2019', 'design/counters-requested-and-returned'),
    ],
  },
  {
    id: 'A11',
    what: 'The converted callers.',
    lacks: '',
    commands: [
      check(
        '4.4,4.18,5.4,5.6,5.9,6.2,7.3',
        'callers/rdma-write-is-seen',
        'callers/vfio-map-and-dma',
        'callers/iommufd-map-and-dma',
        'callers/xdp-receives-after-fork',
        'callers/v4l2-captures-into-the-buffer',
        'callers/goldfish-reads-a-buffer',
        'callers/powerpc-table-counts-locked',
        'io_uring/iouring-counts',
        'force/process-vm-write-read',
      ),
    ],
  },
  {
    id: 'B1',
    what: 'Giving back by the folio: counters, its own count of pins, or 1024 references each.',
    lacks: '',
    commands: [
      check('5.6,5.7,5.18,6.12', 'refcount/pin-of-a-thp-counts-one', 'release/unpin-user-folio'),
    ],
  },
  {
    id: 'C1',
    what: 'Design pg-dma-pinned: a page flag, the page off its LRU list.',
    lacks: '',
    commands: [
      compare(
        'pg-dma-pinned',
        'design/gup-takes-page-off-lru',
        'design/put-page-leaves-page-pinned',
        'design/references-do-not-look-like-a-pin',
      ),
    ],
  },
  {
    id: 'C2',
    what: "Design range-lock: an entry in the inode's interval tree, unpinned in any order and in part.",
    lacks: '',
    commands: [
      compare(
        'range-lock',
        'design/range-is-unpinned-in-part',
        'design/range-split-without-memory',
        'design/ranges-miss-anonymous-memory',
        'design/truncate-waits-for-a-range',
      ),
    ],
  },
  {
    id: 'D1',
    what: 'Copy-on-write against pins: who writes after a fork keeps the page, from 5.9 the one who pinned it.',
    lacks: '',
    commands: [check('5.7,5.8,5.9,5.18,5.19,6.12', 'fork/pin-fork-write')],
  },
  {
    id: 'D2',
    what: 'Design enforce-coherency: what would be refused.',
    lacks: '',
    commands: [
      compare(
        'enforce-coherency',
        'design/mprotect-of-pinned-memory',
        'design/fork-with-pinned-memory',
      ),
    ],
  },
  {
    id: 'D3',
    what: 'Design pin-longterm-only: direct I/O stays with plain references.',
    lacks: '',
    commands: [
      compare(
        'pin-longterm-only',
        'design/moment-pins-are-refused',
        'design/moment-reference-is-lost-at-a-fork',
      ),
    ],
  },
  {
    id: 'E1',
    what: 'Huge entries page by page, or by one update of the count.',
    lacks: 'device memory, for which it was posted: anonymous huge pages stand for it',
    commands: [
      compare(
        'grab-once,per-page',
        'design/fast-walk-takes-huge-pages-at-once',
        'design/slow-walk-takes-huge-pages-at-once',
      ),
    ],
  },
  {
    id: 'E2',
    what: 'Teardown of device memory waits for references and for fast walks.',
    lacks: 'the cost of a reference a page',
    commands: [
      check('5.10,6.12,6.18', 'device/teardown-against-fast-walk', 'device/teardown-against-pin'),
    ],
  },
  {
    id: 'E3',
    what: 'A huge entry over several compound pages.',
    lacks: '',
    commands: [check('5.10,6.12,6.18', 'device/pmd-over-many-pages')],
  },
];

const MISSING: readonly string[] = [
  'A8: the lease; of the two answers to longterm pins of DAX pages only the refusal is here.',
  "A10: gup_benchmark's commands (`pinfold gup-test`).",
  'B2, B3, B4: output as ranges and packed arrays is in the library (test/mm/gup-ranges.test.ts) and in the benchmarks, whose numbers are no fixed output.',
  'E4: the cost of the page structures of device memory.',
];

const outputOf = (command: string): string => {
  const { stdout, stderr, status } = spawnSync('sh', ['-c', command], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command}: exit status ${status}\n${stdout}${stderr}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
};

const section = ({ id, what, lacks, commands }: Row): string =>
  [
    `## ${id}`,
    '',
    lacks === '' ? what : `${what} Not shown: ${lacks}.`,
    '',
    '```console',
    ...commands.flatMap((command) => [`$ ${command}`, outputOf(command)]),
    '```',
  ].join('\n');

writeFileSync(
  FILE,
  `# The discussions, row by row

Five discussions on the Linux memory management lists describe the system. Each row of theirs that this version has stands here with
the command that shows it and what it prints. The page is generated (\`node tools/seeds.ts\`), and a test runs every command again.

${ROWS.map(section).join('\n\n')}

## Not here yet

${MISSING.map((m) => `- ${m}`).join('\n')}
`,
);
