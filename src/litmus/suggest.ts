/** "Did you mean": the nearest known name, when it is near enough to be meant. */

/** Edit distance with transpositions (optimal string alignment). */
export const editDistance = (a: string, b: string): number => {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(
        (above[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (above[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
};

const commonPrefix = (a: string, b: string): number => {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  return n;
};

/** The nearest of the names, or null; about a third of the letters may differ; of equals, the one that begins alike. */
export const nearest = (name: string, names: Iterable<string>): string | null => {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor((name.length + 1) / 3)) + 1;
  for (const other of names) {
    if (Math.abs(other.length - name.length) > bestDistance || other === name) continue;
    const d = editDistance(name.toLowerCase(), other.toLowerCase());
    const tie =
      d === bestDistance && best !== null && commonPrefix(name, other) > commonPrefix(name, best);
    if ((d < bestDistance || tie) && d < other.length) {
      best = other;
      bestDistance = d;
    }
  }
  return best;
};

/** `did you mean X?` where something is near, else the advice given. */
export const didYouMean = (
  name: string,
  names: Iterable<string>,
  otherwise?: string,
): string | undefined => {
  const near = nearest(name, names);
  return near === null ? otherwise : `did you mean \`${near}\`?`;
};
