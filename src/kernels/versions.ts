/**
 * Mainline releases and the year of their `.0`, oldest first, from the first kernel of the model to the last.
 */
const RELEASES_BY_YEAR: readonly (readonly [year: number, releases: readonly string[]])[] = [
  [2016, ['4.4', '4.5', '4.6', '4.7', '4.8', '4.9']],
  [2017, ['4.10', '4.11', '4.12', '4.13', '4.14']],
  [2018, ['4.15', '4.16', '4.17', '4.18', '4.19', '4.20']],
  [2019, ['5.0', '5.1', '5.2', '5.3', '5.4']],
  [2020, ['5.5', '5.6', '5.7', '5.8', '5.9', '5.10']],
  [2021, ['5.11', '5.12', '5.13', '5.14', '5.15']],
  [2022, ['5.16', '5.17', '5.18', '5.19', '6.0', '6.1']],
  [2023, ['6.2', '6.3', '6.4', '6.5', '6.6']],
  [2024, ['6.7', '6.8', '6.9', '6.10', '6.11', '6.12']],
  [2025, ['6.13', '6.14', '6.15', '6.16', '6.17', '6.18']],
  [2026, ['6.19', '7.0', '7.1', '7.2', '7.3']],
];

const YEAR = new Map(
  RELEASES_BY_YEAR.flatMap(([year, names]) => names.map((name) => [name, year])),
);

/** Every mainline release from 4.4 to 7.3, oldest first. */
export const RELEASES: readonly string[] = Object.freeze([...YEAR.keys()]);

/** Year in which a mainline release appeared, or undefined for a name that is none. */
export function releaseYear(name: string): number | undefined {
  return YEAR.get(name);
}

/** True for the name of a mainline release from 4.4 to 7.3. */
export function isRelease(name: string): boolean {
  return YEAR.has(name);
}

/** True for text of the form of a mainline version, `5.10`, whether or not there is such a release. */
export function isVersion(text: string): boolean {
  return /^\d{1,4}\.\d{1,4}$/.test(text);
}

/** Compares two versions by number: '5.10' is after '5.9'. Negative, zero or positive as for sort. */
export function compareVersions(a: string, b: string): number {
  const [majorA, minorA] = parts(a);
  const [majorB, minorB] = parts(b);
  return majorA - majorB || minorA - minorB;
}

function parts(version: string): readonly [number, number] {
  const dot = version.indexOf('.');
  return [Number(version.slice(0, dot)), Number(version.slice(dot + 1))];
}
