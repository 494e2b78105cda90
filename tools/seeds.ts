/**
 * Writes docs/seeds.md: each row of the five discussions (seeds.md), and the command that shows it with what it prints.
 * test/readme.test.ts runs every command again and compares.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
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
    what: 'The cases of pinning: direct I/O (1), RDMA (2), on-demand paging with MMU notifiers, which pins nothing (3), page structures alone, as move_pages() looks at (4), writing by the kernel (5).',
    lacks: '',
    commands: [
      check(
        '5.4,5.8,5.9,6.4,6.5',
        'direct-io/read-in-flight-fork',
        'callers/rdma-fork-parent-writes',
        'notifier/odp-fork-write',
        'mapping/migrate-a-held-page',
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
    what: 'Longterm pins of DAX pages: refused in mainline, where a short pin makes truncation wait; allowed by the lease that was planned as a prerequisite, under which truncation fails.',
    lacks: '',
    commands: [
      check('5.10,6.12,6.18', 'dax/longterm-refused', 'dax/truncate-waits-for-get'),
      compare(
        'bias-2019',
        'design/lease-allows-longterm-pins',
        'design/truncate-races-with-a-lease',
      ),
    ],
  },
  {
    id: 'A9',
    what: 'The counters, by their names of 2019 and of today.',
    lacks: 'their cost, which is a time',
    commands: [
      check('5.6,5.7,6.12', 'callers/goldfish-counts-pins'),
      compare('bias-2019', 'design/counters-requested-and-returned'),
    ],
  },
  {
    id: 'A10',
    what: "gup_benchmark's commands, as those of gup_test, on the model. Times differ from run to run.",
    lacks: '',
    commands: [
      ...['-a -m 16 -n 512', '-L -m 16 -n 512 -H', '-u -m 16 -n 123 -f /dev/dax1.0 -S'].map(
        (args) => `./pinfold gup-test ${args} | sed 's/get:[0-9]* put:[0-9]*/get:N put:N/'`,
      ),
      './pinfold gup-test -b -m 16 -n -1',
      './pinfold gup-test -cpt -m 4 0 19',
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
    id: 'B2, B3, B4',
    what: 'Output as a list of pages, as ranges (in bytes of a bio_vec and of 12), packed, and as segments for DMA; and what is repeated where the buffer is small. Their speed is in benchmarks.md.',
    lacks: '',
    commands: ['node bench/main.ts ranges'],
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
    what: 'Huge entries page by page, or by one update of the count: device memory, for which it was posted, and other huge pages; atomic operations are counted (last column).',
    lacks: '',
    commands: [
      compare(
        'grab-once,per-page',
        'design/fast-walk-takes-device-pages-at-once',
        'design/fast-walk-takes-huge-pages-at-once',
        'design/slow-walk-takes-huge-pages-at-once',
      ),
      check('5.10,6.12,6.18', 'design/fast-walk-takes-device-pages-at-once'),
      "node tools/designs.ts --costs | sed -n '1,2p; /5.17/p'",
    ],
  },
  {
    id: 'E2',
    what: 'Teardown of device memory waits for references and for fast walks.',
    lacks: 'the cost of a reference on the page map for each page, which is a time',
    commands: [
      check('5.10,6.12,6.18', 'device/teardown-against-fast-walk', 'device/teardown-against-pin'),
    ],
  },
  {
    id: 'E3',
    what: 'A huge entry over several compound pages; the assertion that was proposed for its insertion.',
    lacks: '',
    commands: [
      check('5.10,6.12,6.18', 'device/pmd-over-many-pages'),
      check('5.10,6.12,6.18', 'device/pud-over-many-pages'),
      './pinfold check -k 5.10,5.16,5.17 --design grab-once library/device/pmd-over-many-pages.litmus',
    ],
  },
  {
    id: 'E4',
    what: 'Memory for the page structures of device memory.',
    lacks: '',
    commands: ['node bench/main.ts memmap'],
  },
];

const outputOf = (command: string): string => {
  const { stdout, stderr, status } = spawnSync('sh', ['-c', command], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
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

Five discussions on the Linux memory management lists describe the system. Each row of theirs stands here with the command that
shows it and what it prints. The page is generated (\`node tools/seeds.ts\`), and a test runs every command again.

${ROWS.map(section).join('\n\n')}
`,
);
