/** Rounds and what is read from them: medians, spreads, ratios of what ran side by side. */

/** One measurement: nanoseconds a unit for taking and for giving back. */
export interface Round {
  readonly pin: number;
  readonly unpin: number;
}

export interface Contender {
  readonly name: string;
  /** Runs once and answers nanoseconds a page. */
  round(): Round | Promise<Round>;
}

/** The middle of `values`; NaN for none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Median, and the middle half of the values around it: `4.31 (4.25-4.60)`. */
export function spread(values: readonly number[]): string {
  const [low, mid, high] = [0.25, 0.5, 0.75].map((q) => shown(quantile(values, q)));
  return `${mid} (${low}-${high})`;
}

/** A number with three digits that mean something. */
export function shown(value: number): string {
  if (Number.isNaN(value)) return '-';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}

/**
 * Lets the contenders take turns, `warmUp` times unseen and then `rounds` times: what else happens
 * on the machine meets all of them. Returns the rounds of each, in the same order.
 */
export async function takeTurns(
  contenders: readonly Contender[],
  warmUp: number,
  rounds: number,
): Promise<Round[][]> {
  const seen: Round[][] = contenders.map(() => []);
  for (let r = -warmUp; r < rounds; r++) {
    for (const [i, contender] of contenders.entries()) {
      const round = await contender.round();
      if (r >= 0) seen[i]?.push(round);
    }
  }
  return seen;
}

/** Median of the quotients of two contenders, round by round. */
export function ratio(
  ours: readonly Round[],
  theirs: readonly Round[],
  of: (round: Round) => number,
): number {
  return median(ours.map((round, i) => of(round) / of(theirs[i] ?? round)));
}

/** Nanoseconds since some time in the past. */
export function now(): number {
  return Number(process.hrtime.bigint());
}

/** Prints rows under a head, columns as wide as needed; numbers stand right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, c) =>
    Math.max(title.length, ...rows.map((row) => (row[c] ?? '').length)),
  );
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, c) =>
      c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0),
    );
    console.log(`  ${cells.join('  ')}`.trimEnd());
  }
}

/** `reached` or `missed`: whether `value` is at most `limit`. Nothing else depends on it. */
export function verdict(value: number, limit: number): string {
  return value <= limit ? 'reached' : 'missed';
}
