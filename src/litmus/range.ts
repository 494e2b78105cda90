/** Ranges of kernel versions as `Result:` lines write them. */
import type { Range } from './ast.ts';

const VERSION = /^\d+(\.\d+)*$/;

/** Below 0, 0 or above 0; number by number, missing ones are 0 (`5.10` > `5.9`, `6.1` = `6.1.0`). */
export const compareVersions = (a: string, b: string): number => {
  const x = a.split('.').map(Number);
  const y = b.split('.').map(Number);
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const d = (x[i] ?? 0) - (y[i] ?? 0);
    if (d !== 0) return d;
  }
  return 0;
};

/** Reads what stands between the brackets; null if it is no range. `5.9` alone means that version. */
export const parseRange = (text: string): Range | null => {
  const t = text.trim();
  const compare = /^(<=|>=|<|>|=)\s*(\S+)$/.exec(t);
  if (compare !== null) {
    const [, op = '', version = ''] = compare;
    if (!VERSION.test(version)) return null;
    return { kind: 'compare', op: op as '<' | '<=' | '>' | '>=' | '=', version };
  }
  const between = /^(\S+?)\s*\.\.\s*(\S+)$/.exec(t);
  if (between !== null) {
    const [, from = '', to = ''] = between;
    if (!VERSION.test(from) || !VERSION.test(to) || compareVersions(from, to) > 0) return null;
    return { kind: 'between', from, to };
  }
  if (VERSION.test(t)) return { kind: 'compare', op: '=', version: t };
  if (/^[A-Za-z][\w.+-]*$/.test(t)) return { kind: 'profile', name: t };
  return null;
};

/** Whether a mainline version (dotted numbers) lies in the range; a range of one profile holds no version. */
export const matches = (range: Range, version: string): boolean => {
  switch (range.kind) {
    case 'all':
      return true;
    case 'profile':
      return false;
    case 'between':
      return compareVersions(range.from, version) <= 0 && compareVersions(version, range.to) <= 0;
    case 'compare': {
      const d = compareVersions(version, range.version);
      if (range.op === '<') return d < 0;
      if (range.op === '<=') return d <= 0;
      if (range.op === '>') return d > 0;
      if (range.op === '>=') return d >= 0;
      return d === 0;
    }
  }
};

/** As a `Result:` line writes it, without brackets; '' for every version. */
export const formatRange = (range: Range): string => {
  switch (range.kind) {
    case 'all':
      return '';
    case 'profile':
      return range.name;
    case 'between':
      return `${range.from} .. ${range.to}`;
    case 'compare':
      return `${range.op} ${range.version}`;
  }
};

/** An end of an interval: the version itself is inside or not; null is unbounded. */
interface End {
  readonly version: string | null;
  readonly closed: boolean;
}

const OPEN: End = { version: null, closed: false };

const intervalOf = (range: Range): { low: End; high: End } | null => {
  switch (range.kind) {
    case 'profile':
      return null;
    case 'all':
      return { low: OPEN, high: OPEN };
    case 'between':
      return {
        low: { version: range.from, closed: true },
        high: { version: range.to, closed: true },
      };
    case 'compare': {
      const end = { version: range.version, closed: range.op.includes('=') };
      if (range.op.startsWith('<')) return { low: OPEN, high: end };
      if (range.op.startsWith('>')) return { low: end, high: OPEN };
      return { low: end, high: end };
    }
  }
};

/** Whether something from `low` upwards is also at or below `high`. Versions are dense: 5.8.1 lies between 5.8 and 5.9. */
const reaches = (low: End, high: End): boolean => {
  if (low.version === null || high.version === null) return true;
  const d = compareVersions(low.version, high.version);
  return d < 0 || (d === 0 && low.closed && high.closed);
};

/** Whether some version lies in both; the same profile twice overlaps too. */
export const overlap = (a: Range, b: Range): boolean => {
  if (a.kind === 'profile' || b.kind === 'profile')
    return a.kind === 'profile' && b.kind === 'profile' && a.name === b.name;
  const x = intervalOf(a);
  const y = intervalOf(b);
  return x !== null && y !== null && reaches(x.low, y.high) && reaches(y.low, x.high);
};
