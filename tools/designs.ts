/**
 * Writes docs/designs.md: the design variants, what they cost, and what the tests of the library say of each beside
 * mainline. `node tools/designs.ts` writes it (it takes minutes); `--costs` only prints the table of costs.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { columnsOf, compareDesigns } from '../src/cli/compare-designs.ts';
import { litmusFiles, readSources } from '../src/cli/litmus-files.ts';
import { DESIGNS } from '../src/kernels/index.ts';
import { costTable, descriptions, familyTable, verdictSections } from './designs-page.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILE = `${ROOT}docs/designs.md`;
const JOBS = 2;

const main = async (): Promise<void> => {
  const columns = columnsOf(DESIGNS, null);
  const costs = costTable(columns);
  if (process.argv.includes('--costs')) {
    console.log(costs);
    return;
  }
  const options = {
    limits: { states: 4_000_000, time: 120_000, bytes: 2 ** 31 },
    unreduced: false,
    sample: undefined,
  };
  const sources = readSources(litmusFiles([`${ROOT}library`]));
  const { table } = await compareDesigns(sources, columns, options, JOBS);
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

Every test of the library, each design beside mainline on the same release. Tests of which both say the same are not shown. A design
speaks of what its callers would do: the callers in the model that pin (RDMA, VFIO, io_uring and the others) are those of the release,
and where a design changes what a call means, tests that were written for mainline's meaning say so:

- \`Bug\` often means that the test gives a page back by a call that the design no longer takes for it, as put_page() after
  get_user_pages(): every caller would have had to change.
- \`Deadlock\` under the proposals of 2018 is fsync() or truncation that waits for a page which the test itself holds.
- \`Unsupported\` means that a call of the test is not there: mainline 5.4 has no pin_user_pages().

How many tests of each family a design changes:

${familyTable(table)}

${verdictSections(table)}
`,
  );
};

await main();
