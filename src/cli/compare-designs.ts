/** `pinfold check --design A,B --compare`: the same tests with mainline's rules and with those of each design. */
import { notReached, type Verdict } from '../explore/check.ts';
import { checkAll, type PoolOptions, type Source } from '../explore/pool.ts';
import type { Design } from '../kernels/index.ts';
import { type Column, type Comparison, columnName } from '../output/compare.ts';
import { stoppable } from './options.ts';
import { Progress } from './progress.ts';

/** Mainline and each design at each of `kernels`; null: each design on the release it was made for. */
export const columnsOf = (
  designs: readonly Design[],
  kernels: readonly string[] | null,
): Column[] => {
  if (kernels !== null)
    return kernels.flatMap((kernel) => [
      { design: null, kernel },
      ...designs.map((d) => ({ design: d.name, kernel })),
    ]);
  const bases = [...new Set(designs.map((d) => d.base))];
  return bases.flatMap((kernel) => [
    { design: null, kernel },
    ...designs.filter((d) => d.base === kernel).map((d) => ({ design: d.name, kernel })),
  ]);
};

/** Checks column by column; what an interrupt left out is missing from the table, and unfinished in the verdicts. */
export const compareDesigns = async (
  sources: readonly Source[],
  columns: readonly Column[],
  options: PoolOptions,
  jobs: number,
): Promise<{ readonly table: Comparison; readonly verdicts: readonly Verdict[] }> => {
  const found: (readonly (Verdict | null)[])[] = [];
  const progress = new Progress();
  for (const column of columns) {
    const run = checkAll(
      sources,
      () => [column.kernel],
      options,
      column.design,
      jobs,
      ({ done, test }) =>
        progress.update(`${columnName(column)}: ${done}/${sources.length} ${test}`),
    );
    const verdicts = await stoppable(run.verdicts, () => run.stop());
    found.push(sources.map((_, i) => verdicts[i]?.[0] ?? null));
  }
  progress.done();
  const rows = sources.map(({ checked }, i) => ({
    test: checked.test.name,
    file: checked.test.file,
    verdicts: found.map((verdicts) => verdicts[i] ?? null),
  }));
  const verdicts = sources.flatMap(({ checked }, i) =>
    columns.map(({ kernel }, c) => found[c]?.[i] ?? notReached(checked, kernel)),
  );
  return { table: { columns, rows }, verdicts };
};
