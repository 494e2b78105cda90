/**
 * What a pin and its release cost in each design, counted while they run: the steps of one thread that pins n pages and
 * gives them back, for two values of n. The difference is what a page costs.
 */
import { Checker } from '../src/explore/check.ts';
import { type Machine, NO_NEEDS, setUp } from '../src/explore/setup.ts';
import { type Design, designRules, type Rules, rulesFor } from '../src/kernels/index.ts';
import { compile } from '../src/litmus/compile/index.ts';
import { renderDiagnostics } from '../src/litmus/index.ts';
import { parse } from '../src/litmus/parse.ts';
import {
  ADD,
  accessOp,
  accessRegion,
  LOCK,
  LOCK_FOLIO,
  LOCK_SHARED,
  R,
  WRITE,
} from '../src/machine/access.ts';
import { accessEnabled } from '../src/machine/enabled.ts';
import { resume, threadPending, threadRunning } from '../src/machine/resumable.ts';

/** By page: atomic updates of struct page, locks taken, bytes of tables besides struct page. */
export interface Cost {
  readonly atomics: number;
  readonly locks: number;
  readonly bytes: number;
}

/** Memory that is pinned. */
export type Memory = 'anonymous' | 'file' | 'huge' | 'device';

const MAPS: Readonly<Record<Memory, string>> = {
  anonymous:
    'mmap(NULL, 128 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)',
  file: 'mmap(NULL, 128 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)',
  huge: 'mmap(NULL, HPAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)',
  device: 'mmap(NULL, HPAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dev, 0)',
};

/** Pages of the two runs; both in one page table, none of them the first that is touched. */
const FEW = 8;
const MANY = 72;

const source = (memory: Memory, n: number, take: string, give: string): string => `C cost
{
  int fd = memfd_create("m", 0);
  ftruncate(fd, 128 * PAGE_SIZE);
  ${memory === 'device' ? 'int dev = open("/dev/dax", O_RDWR);' : ''}
  char *buf = ${MAPS[memory]};
  struct page *pages[128];
  ${memory === 'huge' ? 'madvise(buf, HPAGE_SIZE, MADV_HUGEPAGE);' : ''}
  int j = 0;
  for (j = 0; j < 128; j++)
    buf[j * PAGE_SIZE] = 1;
}
P0()
{
  kernel: r0 = ${take}(buf, ${n}, FOLL_WRITE, pages);
  ${give}
}
forall (0:r0=${n})
`;

/** How callers of these rules take and give pages back. */
const callsOf = (rules: Rules, n: number): readonly [take: string, give: string] => {
  const take = rules.api.pinUserPages ? 'pin_user_pages_fast' : 'get_user_pages_fast';
  const each = (call: string): string =>
    `for (i = 0; i < ${n}; i++)\n    kernel: ${call}(pages[i]);`;
  if (rules.pin.putUserPage === 'unpin') return [take, each('put_user_page')];
  if (rules.api.unpinUserPage) return [take, each('unpin_user_page')];
  return [take, each('put_page')];
};

const ATOMIC_REGIONS: readonly number[] = [R.refcount, R.pincount, R.flags, R.mapcount];
const LOCKS: readonly number[] = [LOCK, LOCK_SHARED, LOCK_FOLIO];
/** Words of an entry of a range: file, start, end, pins. */
const ENTRY_BYTES = 16;

interface Counts {
  atomics: number;
  locks: number;
  bytes: number;
}

const countRun = (m: Machine): Counts => {
  const { k } = m;
  const counts: Counts = { atomics: 0, locks: 0, bytes: 0 };
  k.cpuNow[0] = m.cpuOf[0] ?? 0;
  while (threadRunning(0)) {
    const word = threadPending(0);
    if (!accessEnabled(k, word)) throw new Error('one thread alone waits for ever');
    const op = accessOp(word);
    if ((op === WRITE || op === ADD) && ATOMIC_REGIONS.includes(accessRegion(word)))
      counts.atomics++;
    if (LOCKS.includes(op)) counts.locks++;
    k.choice[0] = 0;
    resume(k, 0);
    k.also[0] = 0;
    const used = [...k.ranges.pins].filter((pins) => pins !== 0).length * ENTRY_BYTES;
    counts.bytes = Math.max(counts.bytes, used);
  }
  if (k.report[0] !== 0) throw new Error(`the run ends in a bug, code ${k.report[0]}`);
  return counts;
};

const runOnce = (rules: Rules, memory: Memory, n: number): Counts => {
  const [take, give] = callsOf(rules, n);
  const text = source(memory, n, take, give);
  const { checked, diagnostics } = parse(text, 'cost');
  if (checked === undefined) throw new Error(renderDiagnostics(diagnostics, text));
  const verdict = new Checker(checked).explore(rules);
  if (verdict.observation !== 'Always')
    throw new Error(`${n} pages of ${memory}: ${verdict.observation} ${verdict.reason ?? ''}`);
  const needs = { ...NO_NEEDS, huge: memory === 'huge' || memory === 'device' };
  return countRun(setUp(compile(checked).program, rules, needs));
};

/** What a page more costs, with mainline's rules of a version (`design` null) or a design's on the release it was made for. */
export const costOf = (design: Design | null, version: string, memory: Memory): Cost => {
  const rules = design === null ? rulesFor(version) : designRules(design, version);
  // A proposal that only pins for long has its callers say so.
  const few = runOnce(rules, memory, FEW);
  const many = runOnce(rules, memory, MANY);
  const more = MANY - FEW;
  return {
    atomics: (many.atomics - few.atomics) / more,
    locks: (many.locks - few.locks) / more,
    bytes: many.bytes / MANY,
  };
};
