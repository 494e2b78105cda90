/**
 * Writes docs/designs.md: the design variants, what they cost, and what the tests of the library say of each beside
 * mainline. `node tools/designs.ts` writes it; `--costs` only prints the table of costs.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { columnsOf, compareDesigns } from '../src/cli/compare-designs.ts';
import { litmusFiles, readSources } from '../src/cli/litmus-files.ts';
import { DESIGNS } from '../src/kernels/index.ts';
import { type Column, columnName } from '../src/output/compare.ts';
import { type Cost, costOf, type Memory } from './design-costs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILE = `${ROOT}docs/designs.md`;

/** Families of which the page tells; any other by `pinfold check --compare`. */
const FAMILIES = ['design'];

const MEMORIES: readonly Memory[] = ['anonymous', 'file', 'huge'];

const number = (n: number): string => String(Math.round(n * 100) / 100);

const cell = ({ atomics, locks, bytes }: Cost): string =>
  `${number(atomics)} / ${number(locks)} / ${number(bytes)}`;

const costRow = (column: Column): string => {
  const design = DESIGNS.find((d) => d.name === column.design) ?? null;
  // FOLL_PIN without FOLL_LONGTERM is refused there: what its callers do for a moment costs what mainline's get does.
  if (design?.overrides['design.pinFor'] === 'longterm')
    return `| ${columnName(column)} | as mainline, for longterm pins | | |`;
  const cells = MEMORIES.map((memory) => cell(costOf(design, column.kernel, memory)));
  return `| ${columnName(column)} | ${cells.join(' | ')} |`;
};

const costTable = (columns: readonly Column[]): string =>
  [
    '| | small anonymous page | page of a file | 4 KiB of a huge page |',
    '|---|---|---|---|',
    ...columns.map(costRow),
  ].join('\n');

const descriptions = (): string =>
  DESIGNS.map(({ name, base, sentence, notes, overrides, source }) =>
    [
      `### ${name}`,
      '',
      `${sentence} Made for ${base}.`,
      '',
      ...notes.map((n) => `- ${n}`),
      '',
      `Rules: ${Object.entries(overrides)
        .map(([rule, value]) => `\`${rule}\` = ${String(value)}`)
        .join(', ')}. Source: ${source}.`,
    ].join('\n'),
  ).join('\n\n');

const main = async (): Promise<void> => {
  const columns = columnsOf(DESIGNS, null);
  const costs = costTable(columns);
  if (process.argv.includes('--costs')) {
    console.log(costs);
    return;
  }
  const parts: string[] = [];
  const options = {
    limits: { states: 400_000, time: 20_000, bytes: 2 ** 30 },
    unreduced: false,
    sample: undefined,
  };
  for (const family of FAMILIES) {
    const sources = readSources(litmusFiles([`${ROOT}library/${family}`]));
    const { table } = await compareDesigns(sources, columns, options, 2);
    const different = table.rows.filter(
      ({ verdicts }) => new Set(verdicts.map((v) => v?.observation)).size > 1,
    );
    const bases = new Map<string, number>();
    columns.forEach(({ design, kernel }, i) => {
      if (design === null) bases.set(kernel, i);
    });
    const shown = columns.flatMap((column, i) => {
      if (column.design === null) return [];
      const base = bases.get(column.kernel) ?? 0;
      return different
        .filter((r) => r.verdicts[i]?.observation !== r.verdicts[base]?.observation)
        .map(
          (r) =>
            `| ${column.design} | ${r.test} | ${r.verdicts[base]?.observation} | ${r.verdicts[i]?.observation} |`,
        );
    });
    parts.push(
      [
        `### ${family}`,
        '',
        `${table.rows.length} tests. Those of which a design says something else than mainline on the same release:`,
        '',
        '| design | test | mainline | with the design |',
        '|---|---|---|---|',
        ...shown,
      ].join('\n'),
    );
  }
  writeFileSync(
    FILE,
    `# The designs, side by side

Proposals for pinned pages that no release took over, each as a set of rules on top of the release that it was made for. The tables
are generated (\`node tools/designs.ts\`): verdicts by exploring every interleaving, costs by counting while it runs. The same for
any test: \`pinfold check --design A,B --compare PATH\`.

## What they are

${descriptions()}

## What a page costs

Atomic updates of struct page, locks taken, and bytes of tables besides struct page, for one page more in a range that is pinned by
the fast path and given back page by page. Mainline before 5.6 takes and puts plain references.

${costs}

## What they say of the tests

\`Bug\` often means that the test gives a page back by a call that the design no longer takes for it, as put_page() after
get_user_pages(): every caller would have had to change. \`Unsupported\` means that a call of the test is not there.

${parts.join('\n\n')}
`,
  );
};

await main();
