/** What became of the mutants, and how much of them the library notices. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * noticed: a test no longer ends as its Result: says. survived: every test that comes to the place agrees. unreached: no
 * test comes to the place. broken: the mutant is no program of the accepted subset. A survivor with showings left is
 * undecided: the run had no time for all tests that come to the place.
 */
type Fate = 'noticed' | 'survived' | 'unreached' | 'broken';

export interface Result {
  readonly id: string;
  readonly fate: Fate;
  /** The test that noticed. */
  readonly by: string | null;
  /** What it saw; of a survivor of the source, the place. */
  readonly how: string | null;
  /** Tests that come to the place. */
  readonly tests: number;
  /** Showings that the run's patience left out. */
  readonly left: number;
  /** Of the project, when this was found; a noticed mutant is not run again while its key stays. */
  readonly commit: string;
}

export interface Power {
  readonly mutants: number;
  readonly noticed: number;
  /** Not noticed, with a reason why no outcome of a test can tell. */
  readonly excused: readonly Result[];
  /** Not noticed, and a test could: there is none. */
  readonly open: readonly Result[];
  /** Not noticed by the tests that there was time for. */
  readonly undecided: readonly Result[];
  readonly broken: number;
  /** Noticed of those that are decided, programs and not excused, in percent. */
  readonly percent: number;
  /** The same if no other test notices any that is undecided. */
  readonly least: number;
}

/** Why a mutant cannot be noticed: by its id, or by the beginning of ids with `*` at the end. */
export type Reasons = Readonly<Record<string, string>>;

export const readReasons = (): Reasons => {
  const path = join(import.meta.dirname, 'reasons.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
};

/** The reason that covers `id`: of the whole id, else of the longest beginning. */
export const reasonFor = (reasons: Reasons, id: string): string | null => {
  const exact = reasons[id];
  if (exact !== undefined) return exact;
  const covering = Object.keys(reasons)
    .filter((key) => key.endsWith('*') && id.startsWith(key.slice(0, -1)))
    .sort((a, b) => b.length - a.length)[0];
  return covering === undefined ? null : (reasons[covering] ?? null);
};

export const powerOf = (results: readonly Result[], reasons: Reasons): Power => {
  const noticed = results.filter((r) => r.fate === 'noticed').length;
  const left = results.filter((r) => r.fate === 'survived' || r.fate === 'unreached');
  const excused = left.filter((r) => reasonFor(reasons, r.id) !== null);
  const others = left.filter((r) => reasonFor(reasons, r.id) === null);
  const open = others.filter((r) => r.left === 0);
  const undecided = others.filter((r) => r.left > 0);
  const share = (counted: number): number => (counted === 0 ? 100 : (100 * noticed) / counted);
  return {
    mutants: results.length,
    noticed,
    excused,
    open,
    undecided,
    broken: results.filter((r) => r.fate === 'broken').length,
    percent: share(noticed + open.length),
    least: share(noticed + others.length),
  };
};

/** Where the results come from: by commit, how many. */
const commitsText = (results: readonly Result[]): string => {
  const counts = new Map<string, number>();
  for (const { commit } of results) counts.set(commit, (counts.get(commit) ?? 0) + 1);
  return [...counts].map(([commit, n]) => `${n} at ${commit}`).join(', ');
};

/** Of the excused ones: how many were shown to every test that comes to the place, and noticed by none. */
const excusedShown = ({ excused }: Power): string => {
  const nowhere = excused.filter((r) => r.fate === 'unreached').length;
  const partly = excused.filter((r) => r.fate !== 'unreached' && r.left > 0).length;
  return `no test comes to ${nowhere} of them, ${partly} were shown to some of the tests only, ${excused.length - nowhere - partly} to all`;
};

const summary = (p: Power): string => {
  const text =
    `${p.noticed} of ${p.noticed + p.open.length} noticed (${p.percent.toFixed(1)} %); of all ${p.mutants}, ` +
    `${p.excused.length} cannot be noticed and ${p.broken} are no program`;
  return p.undecided.length === 0
    ? text
    : `${text}; ${p.undecided.length} are undecided (${p.least.toFixed(1)} % if nothing notices them)`;
};

/** The report for a terminal. */
export const powerText = (power: Power, reasons: Reasons): string =>
  [
    ...power.excused.map((r) => `no matter  ${r.id}: ${reasonFor(reasons, r.id) ?? ''}`),
    ...[...power.open, ...power.undecided].map(
      (r) => `${r.fate.padEnd(10)} ${r.id} (${toldOf(r)})`,
    ),
    summary(power),
  ].join('\n');

const toldOf = (r: Result): string => {
  const by =
    r.fate === 'unreached'
      ? 'no test comes there'
      : `${r.tests} ${r.tests === 1 ? 'test' : 'tests'}`;
  const left = r.left > 0 ? `, ${r.left} showings left out` : '';
  return `${by}${left}${r.how ? `; ${r.how}` : ''}`;
};

/** `cow` of a rule, `wp-reuse.ts` of a place in the source. */
const groupOf = (id: string): string => id.split(id.includes('#') ? '#' : '.')[0] ?? id;

const table = (title: string, results: readonly Result[], reasons: Reasons): string => {
  const groups = new Map<string, Result[]>();
  for (const r of results) groups.set(groupOf(r.id), [...(groups.get(groupOf(r.id)) ?? []), r]);
  const row = (name: string, of: readonly Result[]): string => {
    const p = powerOf(of, reasons);
    const percent = p.noticed + p.open.length === 0 ? '' : p.percent.toFixed(1);
    return `| ${name} | ${p.mutants} | ${p.noticed} | ${p.open.length} | ${p.undecided.length} | ${p.excused.length} | ${p.broken} | ${percent} |`;
  };
  return [
    `| ${title} | mutants | noticed | open | undecided | cannot be noticed | no program | power in % |`,
    '|---|---:|---:|---:|---:|---:|---:|---:|',
    ...[...groups].map(([name, of]) => row(`\`${name}\``, of)),
    row('all', results),
  ].join('\n');
};

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** The survivors that share a reason, one line a reason. */
const excusedText = (power: Power, reasons: Reasons): string => {
  const by = new Map<string, string[]>();
  for (const { id } of power.excused) {
    const reason = reasonFor(reasons, id) ?? '';
    by.set(reason, [...(by.get(reason) ?? []), id]);
  }
  return [...by]
    .map(([why, ids]) => `- ${why}\n  ${ids.map((i) => `\`${i}\``).join(', ')}`)
    .join('\n');
};

const openText = (open: readonly Result[]): string =>
  open.length === 0 ? 'None.' : open.map((r) => `- \`${r.id}\`: ${cell(toldOf(r))}`).join('\n');

/** A sample beside the first one. */
export interface OtherSample {
  readonly size: number;
  readonly seed: number;
  readonly results: readonly Result[];
}

/** What a sample said when it was drawn, by seed: before any test was written or reason given for it. */
export type Before = Readonly<Record<string, string>>;

export const readBefore = (): Before =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'before.json'), 'utf8'));

const otherText = (other: OtherSample, reasons: Reasons, before: Before): string => {
  const power = powerOf(other.results, reasons);
  const first = before[other.seed];
  return `### Checks of another sample (\`--sample ${other.size} --seed ${other.seed}\`)

${first === undefined ? '' : `When it was drawn: ${first}. `}Now: ${summary(power)}.

${openText([...power.open, ...power.undecided])}

`;
};

/** Tests are written for what a sample shows: only what it said before tells of the checks that nobody has looked at. */
const othersHead = (sample: { readonly seed: number } | null, before: Before): string => {
  const first = before[sample?.seed ?? 0];
  return `
Tests were written, and reasons given, for what each sample showed to be open, so the shares of a sample say nothing any more about
the checks outside of it. What a sample said when it was drawn does${first === undefined ? '' : `: the first, ${first}`}; the others have it below. That
number is too low, for much of what is open in a fresh sample is no matter once somebody has read the code: with the reasons that were
found since and without the tests that were written since it is the best guess. When the model changes, the same seed draws others.
`;
};

/** docs/mutation.md. `others`: what became of other samples of the checks; `before`: what each said when it was drawn. */
export const documentText = (
  results: readonly Result[],
  reasons: Reasons,
  sample: { readonly size: number; readonly seed: number } | null,
  others: readonly OtherSample[] = [],
  before: Before = {},
): string => {
  const rules = results.filter((r) => !r.id.includes('#'));
  const source = results.filter((r) => r.id.includes('#'));
  const power = powerOf(results, reasons);
  const [ofRules, ofSource] = [powerOf(rules, reasons), powerOf(source, reasons)];
  return `# What the library notices

<!-- Written by \`make mutate\`. -->

The model is changed at one place at a time. If some test of \`library/\` then no longer ends as its \`Result:\` line says,
the change is noticed. All that the library does not notice is listed here.

**${summary(power)}.**
Rules: ${summary(ofRules)}. Checks: ${summary(ofSource)}.

Those that *cannot be noticed* are left out of these shares for a reason that somebody gave, not one that was proved: ${excusedShown(power)}.
Without leaving them out the library notices ${((100 * power.noticed) / (power.mutants - power.broken)).toFixed(1)} % of all.

The answers were found at these commits: ${commitsText(results)}. Answers are kept over commits: that of a check until its function
changes, that of a rule even when the model changes, and that of a noticed mutant until the test that noticed it changes.

${
  sample === null
    ? 'Nothing is sampled: these are all mutants of the kinds below, in the rules and files of the tables.'
    : `The rules are all there are. Of the checks a sample of ${sample.size} was drawn with seed ${sample.seed} from all mutants of the files of the table (\`--sample ${sample.size} --seed ${sample.seed}\`); its size is what there was time for.`
}
${others.length === 0 ? '' : othersHead(sample, before)}
- A *rule* has, at one of the kernels 5.7, 5.10 and 6.12, a value that it has at some other version (\`rule=value@kernel\`).
- A *check* in the source is changed (\`file#function:kind:number\`): \`drop\`, an \`if\` never fires; \`negate\`, it fires when it
  should not; \`weaken\`, of two conditions only one is asked; \`swap\`, two steps that follow each other change places.

A mutant is shown only to the tests that read the rule or come to the place, the quick ones first, and to no more once one of
them notices. A test that ends at a limit says nothing; one that never comes back notices. *Open* mutants count against the
library, those that no test comes to among them. Mutants that *cannot be noticed* by the outcome of a test do not count; each
has its reason below.

\`make mutate\` runs it. Answers are kept in \`.cache/mutate\`, so it goes on where it was interrupted, and shows those that are open
to tests that are new. \`rm -r .cache/mutate\` begins anew.

## Rules, by family

${table('family', rules, reasons)}

## Checks, by file of src/mm

${table('file', source, reasons)}

## Open

### Rules

${openText(ofRules.open)}

### Checks

${openText(ofSource.open)}

${others.map((other) => otherText(other, reasons, before)).join('')}## Undecided

The run did not show these to all tests that come to the place; a further run goes on with them.

${openText([...ofRules.undecided, ...ofSource.undecided])}

## Cannot be noticed

### Rules

${excusedText(ofRules, reasons)}

### Checks

${excusedText(ofSource, reasons)}
`;
};
