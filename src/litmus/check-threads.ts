/** What only shows when all bodies are known: duplicate threads, forks, waits, events, barriers, the pool of huge pages. */
import type { Context, Use } from './check-context.ts';
import { didYouMean } from './suggest.ts';

const usesOf = (cx: Context, call: string): readonly Use[] => cx.uses.get(call) ?? [];

const checkDuplicates = (cx: Context): void => {
  const seen = new Map<string, number>();
  for (const t of cx.test.threads) {
    const line = seen.get(t.name);
    if (line !== undefined)
      cx.report(
        'L017',
        t.nameSpan,
        `${t.name} stands in line ${line} already`,
        'give each thread its own number',
      );
    else seen.set(t.name, t.nameSpan.line);
  }
};

/** Who forks whom: each thread at most once, nobody itself, no circle. */
const checkForks = (cx: Context): Map<string, string> => {
  const parent = new Map<string, string>();
  for (const { name, by, span, inLoop } of usesOf(cx, 'fork')) {
    if (by === null) continue;
    if (by === name) {
      cx.report('L061', span, `${name} forks itself`);
      continue;
    }
    if (parent.has(name)) cx.report('L062', span, `${name} is forked a second time`);
    else if (inLoop)
      cx.report(
        'L062',
        span,
        `${name} is forked in a loop`,
        'fork each child by a statement of its own, outside loops',
      );
    if (!parent.has(name)) parent.set(name, by);
    const path = [name];
    for (let p = parent.get(name); p !== undefined; p = parent.get(p)) {
      path.unshift(p);
      if (p === name) {
        cx.report('L063', span, `${path.join(' forks ')}: none of them can start`);
        parent.delete(name);
        break;
      }
      if (path.length > cx.test.threads.length) break;
    }
  }
  return parent;
};

const checkWaits = (cx: Context, parent: ReadonlyMap<string, string>): void => {
  for (const { name, span } of usesOf(cx, 'wait'))
    if (!parent.has(name))
      cx.report('L065', span, `${name} is never forked: there is no process to wait for`);
};

const checkEvents = (cx: Context): void => {
  const posted = new Set(usesOf(cx, 'post').map((u) => u.name));
  const awaited = new Set(usesOf(cx, 'await').map((u) => u.name));
  for (const { name, span } of usesOf(cx, 'await'))
    if (!posted.has(name))
      cx.report(
        'L066',
        span,
        `nobody posts \`${name}\``,
        didYouMean(name, posted, 'post it in another thread'),
      );
  for (const { name, span } of usesOf(cx, 'post'))
    if (!awaited.has(name))
      cx.report(
        'L067',
        span,
        `nobody awaits \`${name}\``,
        didYouMean(name, awaited, 'await it, or remove the post'),
      );
};

const checkBarriers = (cx: Context): void => {
  for (const use of usesOf(cx, 'barrier'))
    if (!usesOf(cx, 'barrier').some((u) => u.name === use.name && u.by !== use.by))
      cx.report(
        'L068',
        use.span,
        `only ${use.by ?? 'the initial block'} comes to the barrier \`${use.name}\``,
      );
};

/** Flags that take pages from the pool of 2 MiB pages. */
const FROM_POOL: ReadonlySet<string> = new Set(['MAP_HUGETLB', 'MFD_HUGETLB']);
const GIGANTIC: ReadonlySet<string> = new Set(['MAP_HUGE_1GB', 'MFD_HUGE_1GB']);

/** The pool of huge pages is empty until set_nr_hugepages(): the error would only show in what mmap() returns. */
const checkPool = (cx: Context): void => {
  const constants = [...cx.bindings].filter(([, b]) => b.kind === 'constant').map(([e]) => e);
  if ([...cx.calls.keys()].some((c) => c.name === 'set_nr_hugepages')) return;
  if (constants.some((e) => GIGANTIC.has(e.name))) return;
  const first = constants.find((e) => FROM_POOL.has(e.name));
  if (first !== undefined)
    cx.report('L069', first.span, `\`${first.name}\` takes pages from a pool that nobody fills`);
};

/** Checks all of it; gives each forked thread's parent. */
export const checkThreads = (cx: Context): ReadonlyMap<string, string> => {
  checkDuplicates(cx);
  const parent = checkForks(cx);
  checkWaits(cx, parent);
  checkEvents(cx);
  checkBarriers(cx);
  checkPool(cx);
  return parent;
};
