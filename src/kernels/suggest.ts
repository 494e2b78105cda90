import { compareVersions, isVersion } from './versions.ts';

/**
 * Up to three of `names` that a user who wrote `wrong` may have meant: for a version the nearest ones by
 * number, for a point release (6.1.5) its version and profiles, else names that are few edits away.
 */
export function suggestions(wrong: string, names: readonly string[]): readonly string[] {
  if (isVersion(wrong)) return nearestVersions(wrong, names.filter(isVersion));
  const word = wrong.toLowerCase();
  const release = /^v?(\d+\.\d+)/.exec(word)?.[1];
  if (release !== undefined)
    return names.filter((n) => n === release || n.includes(`-${release}.`)).slice(0, 3);
  // A name that was not written to its end says more than one with other letters.
  const begun = word.length >= 3 ? names.filter((n) => n.startsWith(word)) : [];
  if (begun.length > 0) return begun.slice(0, 3);
  const inside = word.length >= 3 ? names.filter((n) => n.includes(word) || word.includes(n)) : [];
  const close = names.filter((n) => distance(word, n) <= 2);
  return [...new Set([...close, ...inside])].slice(0, 3);
}

function nearestVersions(wrong: string, versions: readonly string[]): readonly string[] {
  const sorted = [...versions].sort(compareVersions);
  const next = sorted.findIndex((v) => compareVersions(v, wrong) > 0);
  if (next < 0) return sorted.slice(-1);
  return sorted.slice(Math.max(0, next - 1), next + 1);
}

/** Least number of inserted, removed or replaced characters that makes `a` from `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
