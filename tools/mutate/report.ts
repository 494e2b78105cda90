/** What became of the mutants, and how much of them the library notices. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * noticed: a test no longer ends as its Result: says. survived: every test that could have noticed agrees.
 * unreached: no test runs the place. broken: the mutant is no program of the accepted subset, or it cannot boot.
 */
export type Fate = 'noticed' | 'survived' | 'unreached' | 'broken';

export interface Result {
  readonly id: string;
  readonly fate: Fate;
  /** The test that noticed. */
  readonly by: string | null;
  /** What it saw. */
  readonly how: string | null;
  /** Tests that come to the place. */
  readonly tests: number;
}

export interface Power {
  readonly mutants: number;
  readonly noticed: number;
  /** Survivors with a reason why nobody can notice them. */
  readonly excused: readonly Result[];
  readonly survived: readonly Result[];
  readonly unreached: readonly Result[];
  readonly broken: number;
  /** Noticed of those that can be noticed and are reached, in percent. */
  readonly percent: number;
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
  const of = (fate: Fate): Result[] => results.filter((r) => r.fate === fate);
  const noticed = of('noticed').length;
  const left = of('survived');
  const excused = left.filter((r) => reasonFor(reasons, r.id) !== null);
  const survived = left.filter((r) => reasonFor(reasons, r.id) === null);
  const counted = noticed + survived.length;
  return {
    mutants: results.length,
    noticed,
    excused,
    survived,
    unreached: of('unreached'),
    broken: of('broken').length,
    percent: counted === 0 ? 100 : (100 * noticed) / counted,
  };
};

/** The report of one kind of mutants. */
export const powerText = (title: string, power: Power, reasons: Reasons): string => {
  const { mutants, noticed, excused, survived, unreached, broken, percent } = power;
  const lines = [
    `${title}: ${noticed} of ${noticed + survived.length} noticed (${percent.toFixed(1)} %)`,
    `  of ${mutants} mutants ${unreached.length} are in places that no test reaches, ${excused.length} cannot be noticed, ${broken} are no program`,
  ];
  for (const r of survived) lines.push(`  survived   ${r.id} (${r.tests} tests)`);
  for (const r of excused) lines.push(`  no matter  ${r.id}: ${reasonFor(reasons, r.id) ?? ''}`);
  const places = new Map<string, number>();
  for (const r of unreached) {
    const place = r.id.replace(/[=@#].*$/, '');
    places.set(place, (places.get(place) ?? 0) + 1);
  }
  for (const [place, n] of places) lines.push(`  unreached  ${place} (${n} mutants)`);
  return lines.join('\n');
};
