/** All that a step has changed, in words; what no decoder knows is internal. */
import type { Context } from './context.ts';
import { decodeMappings, decodeNumbers, decodeTlb } from './decode-locks.ts';
import { decodeContents, decodePages } from './decode-page.ts';
import { decodeVariables } from './decode-variables.ts';
import type { Difference } from './types.ts';
import type { Words } from './words.ts';

/** Arrays whose every word some decoder turns into a difference. */
const DECODED = new Set([
  ...[
    'page.refcount',
    'page.mapcount',
    'page.flags',
    'page.compound',
    'page.mapping',
    'page.index',
  ],
  ...['page.private', 'pins', 'contents', 'tlb', 'lit.events', 'mm.flags', 'mm.writeProtectSeq'],
  ...['mm.mmapLock', 'lit.locks', 'anonVma.lock', 'file.lock', 'file.cacheLock', 'pipe.lock'],
  ...['hugetlb.locks', 'irqOff', 'swap.map', 'lit.killed', 'lit.life', 'file.pages', 'aio.state'],
  ...['ring.pages', 'hugetlb.nrFree', 'hugetlb.reserved', 'vma.mm', 'vma.start', 'vma.end'],
  ...['vma.flags', 'vmstat', 'lit.vars'],
]);

/** Where threads stand in the model's own code: of no interest to anybody. */
const NEVER = new Set(['stacks', 'also', 'lit.at', 'choice']);

/** `thread` took the step. */
export const decode = (ctx: Context, words: Words, thread: number): Difference[] => {
  const found = [
    ...decodeContents(ctx, words),
    ...decodePages(ctx, words),
    ...decodeNumbers(ctx, words),
    ...decodeMappings(ctx, words),
    ...decodeTlb(ctx, words),
    ...decodeVariables(ctx, words, thread),
  ];
  for (const array of words.arrays) {
    if (DECODED.has(array) || NEVER.has(array)) continue;
    for (const w of words.of(array)) {
      const object = `${array}[${w.index}]`;
      found.push({
        kind: 'internal',
        object,
        before: String(w.before),
        after: String(w.after),
        frame: null,
        shown: false,
      });
    }
  }
  return found;
};
