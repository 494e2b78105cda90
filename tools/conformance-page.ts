/** docs/conformance.md from what was stored of each kernel. */
import { compareNumbers } from '../src/host/qemu/packages.ts';
import type { Histogram } from '../src/host/run-program.ts';

/** One test on one kernel. */
export interface StoredTest {
  readonly test: string;
  readonly file: string;
  /** Of the test's meaning, whatever its layout. */
  readonly hash: string;
  /** Why it could not run there. */
  readonly skipped?: string;
  readonly histogram?: Histogram;
  readonly verdict?: 'agrees' | 'disagrees' | 'alone' | 'cut';
  /** Seen, and not allowed by the model. */
  readonly forbidden?: readonly string[];
  /** How many allowed states were not seen. */
  readonly unseen?: number;
}

/** docs/conformance/NAME.json. */
export interface Stored {
  /** `host`, or the version. */
  readonly name: string;
  /** `uname -r`. */
  readonly release: string;
  readonly version: string;
  /** What of the model it is compared with; null: it is older than the model. */
  readonly kernel: string | null;
  readonly machine: string;
  readonly day: string;
  /** Why it did not boot, or did not come to the end. */
  readonly failure: string | null;
  readonly notes: readonly string[];
  readonly tests: readonly StoredTest[];
}

/**
 * Why a disagreement stands, by test and the models it stands at: written by hand when it was looked into. One without a
 * reason is printed as unexplained.
 */
export interface Reason {
  readonly test: string;
  /** Versions of stored kernels, or `*`. */
  readonly kernels: readonly string[];
  readonly reason: string;
}

/** What only the kernel itself can do is one reason, whichever call it is. */
export const skipClass = (reason: string): string => {
  const [, call = '', rest = reason] = /^(\w+)\([^)]*\): (.*)$/.exec(reason) ?? [];
  if (/only the kernel itself can make this call/.test(rest))
    return 'a call that only the kernel itself can make';
  if (rest.startsWith('user space can'))
    return `a question that user space cannot answer: ${call}()`;
  if (rest.startsWith('no such device here')) return 'a device that is not there';
  return reason.replace(/\bline \d+: /, '');
};

const count = (s: Stored, verdict: StoredTest['verdict']): number =>
  s.tests.filter((t) => t.verdict === verdict).length;

const cell = (text: string): string => text.replaceAll('|', '\\|');

const row = (s: Stored): string => {
  const ran = s.tests.filter((t) => t.histogram !== undefined).length;
  const compared = count(s, 'agrees') + count(s, 'disagrees');
  const cells = [
    s.name === 'host' ? `${s.release} (host)` : s.release,
    s.kernel ?? 'none',
    s.machine,
    s.day,
    ran,
    compared,
    count(s, 'agrees'),
    count(s, 'disagrees'),
    count(s, 'alone'),
    count(s, 'cut'),
    s.tests.length - ran,
  ];
  return `| ${cells.map((c) => cell(String(c))).join(' | ')} |`;
};

const shown = (t: StoredTest): string =>
  (t.histogram?.states ?? []).map((s) => `${s.count}×\`${s.text}\``).join(', ') ||
  (t.histogram?.problem === null || t.histogram === undefined
    ? 'nothing'
    : t.histogram.problem.kind);

const disagreements = (all: readonly Stored[], reasons: readonly Reason[]): string[] => {
  const rows = all.flatMap((s) =>
    s.tests
      .filter((t) => t.verdict === 'disagrees')
      .map((t) => {
        const why = reasons.find(
          (r) => r.test === t.test && (r.kernels.includes('*') || r.kernels.includes(s.name)),
        );
        const cells = [
          s.name === 'host' ? s.release : s.version,
          t.test,
          shown(t),
          (t.forbidden ?? []).map((f) => `\`${f}\``).join(', '),
          why?.reason ?? '**not explained yet**',
        ];
        return `| ${cells.map(cell).join(' | ')} |`;
      }),
  );
  return rows.length === 0
    ? ['None.']
    : [
        '| kernel | test | seen | not allowed by the model | reason |',
        '|---|---|---|---|---|',
        ...rows,
      ];
};

const undecided = (all: readonly Stored[]): string[] => {
  const rows = all.flatMap((s) =>
    s.tests
      .filter((t) => t.verdict === 'cut')
      .map((t) => {
        const h = t.histogram;
        const why =
          h?.cut ?? (h?.problem ? `${h.problem.kind}: ${h.problem.text}` : 'no run counted');
        return `| ${s.name === 'host' ? s.release : s.version} | ${t.test} | ${cell(why)} |`;
      }),
  );
  return rows.length === 0 ? ['None.'] : ['| kernel | test | why |', '|---|---|---|', ...rows];
};

const skips = (all: readonly Stored[]): string[] => {
  const names = all.map((s) => (s.name === 'host' ? 'host' : s.version));
  const classes = new Map<string, number[]>();
  for (const [i, s] of all.entries())
    for (const t of s.tests) {
      if (t.skipped === undefined) continue;
      const key = skipClass(t.skipped);
      const counts = classes.get(key) ?? all.map(() => 0);
      counts[i] = (counts[i] ?? 0) + 1;
      classes.set(key, counts);
    }
  const total = (n: readonly number[]): number => n.reduce((a, b) => a + b, 0);
  return [
    `| reason | ${names.join(' | ')} |`,
    `|---|${names.map(() => '---:|').join('')}`,
    ...[...classes]
      .sort(([a, x], [b, y]) => total(y) - total(x) || (a < b ? -1 : 1))
      .map(([reason, counts]) => `| ${cell(reason)} | ${counts.join(' | ')} |`),
  ];
};

/** The outcome of each test that ran, a column a kernel. */
const matrix = (all: readonly Stored[]): string[] => {
  const names = [
    ...new Set(all.flatMap((s) => s.tests.filter((t) => t.histogram).map((t) => t.test))),
  ];
  const mark = (s: Stored, name: string): string => {
    const t = s.tests.find((x) => x.test === name);
    if (t?.histogram === undefined) return '';
    return { agrees: '✓', disagrees: '✗', alone: 'o', cut: '?' }[t.verdict ?? 'alone'];
  };
  return [
    `| test | ${all.map((s) => (s.name === 'host' ? 'host' : s.version)).join(' | ')} |`,
    `|---|${all.map(() => ':-:|').join('')}`,
    ...names.sort().map((n) => `| ${n} | ${all.map((s) => mark(s, n)).join(' | ')} |`),
  ];
};

/** Kernels in the order of their versions, this machine's among them. */
export const page = (
  unsorted: readonly Stored[],
  reasons: readonly Reason[] = REASONS,
  selftests: readonly string[] = [],
): string => {
  const all = [...unsorted].sort(
    (a, b) => compareNumbers(numbersOf(a), numbersOf(b)) || (a.name < b.name ? -1 : 1),
  );
  const booted = all.filter((s) => s.tests.some((t) => t.histogram !== undefined));
  const failed = all.filter((s) => s.failure !== null);
  return `${[
    '# Conformance',
    '',
    'What real kernels did beside what the model allows. Written by `make conformance` from `docs/conformance/*.json`; do',
    'not edit. A test agrees when every final state that was seen on the kernel is one that the model allows there; rare',
    'states may stay unseen. Tests are those of `library/` and `test/host/litmus/`.',
    '',
    '| kernel | model | machine | day | ran | compared | agree | disagree | no model | undecided | skipped |',
    '|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|',
    ...booted.map(row),
    '',
    ...(failed.length > 0
      ? [
          '## Kernels that did not boot, or did not come to the end',
          '',
          ...failed.map((s) => `- ${s.version}: ${s.failure}`),
          '',
        ]
      : []),
    '## Disagreements',
    '',
    ...disagreements(booted, reasons),
    '',
    '## Undecided: the runs did not come to their end',
    '',
    ...undecided(booted),
    '',
    '## Skipped, by reason',
    '',
    ...skips(booted),
    '',
    ...selftests,
    '## Every test',
    '',
    '✓ agrees, ✗ disagrees, o the model says nothing of it yet, ? undecided, empty: skipped there.',
    '',
    ...matrix(booted),
  ].join('\n')}\n`;
};

const numbersOf = (s: Stored): string => /^\d+(\.\d+)*/.exec(s.version)?.[0] ?? '0';

/** What is known and stays as it is for now. */
const REASONS: readonly Reason[] = [
  {
    test: 'collapse-between-two-tables',
    kernels: ['6.19.14', '7.2.12'],
    reason:
      'once in a run; not shown: probably a page that was not on its list for a moment, as LRU batches have it, which the model explores tests without (docs/findings.md)',
  },
];
