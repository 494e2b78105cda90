/** Why a test cannot run on the real kernel, as far as the test itself says so. */
import type { Expr, Prop, Statement, Term } from '../litmus/ast.ts';
import { callSpec } from '../litmus/calls.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { printTerm } from '../litmus/printer.ts';
import { canEmit } from './emit.ts';
import { constantNames, openedPaths } from './needs.ts';
import { shownTerms, termsOf } from './shown.ts';

const KERNEL_GROUPS = new Set(['get', 'pin', 'release', 'page', 'context']);

/** Calls that a program could make, but whose effect here would not be what the test means. */
const NOT_COMPARABLE: Readonly<Record<string, string>> = {
  kill: 'kill(): where the signal is noticed cannot be told from outside',
  swapoff: 'swapoff(): it would take the swap of the whole machine away',
  compact: 'compact(): the kernel does not say how many pages it moved',
  cma_alloc: 'cma_alloc(): only the kernel itself can take pages from CMA',
  place_in_cma: 'place_in_cma(): only the kernel itself puts pages into CMA',
  offline_memory: 'offline_memory(): it would take memory away from the machine',
  fail_kmalloc: 'fail_kmalloc(): it would make allocations of the whole machine fail',
  numa_balance: 'numa_balance(): only the scheduler sets it going, on machines of several nodes',
  setrlimit: 'setrlimit(): the runner has CAP_IPC_LOCK or a limit of its own',
  proc_status: 'proc_status(): what the runner itself has locked would count too',
  dax_teardown: 'dax_teardown(): no DAX device here',
};

/** Questions that /proc answers (never guessed from something else). */
const ANSWERED: ReadonlySet<string> = new Set([
  'same_page',
  'present',
  'swapped',
  'huge',
  'map_count',
  'dirty',
  'page_order',
  'page_node',
  'writable',
]);

const UNANSWERED: Readonly<Record<string, string>> = {
  pinned: 'pinned(): user space cannot see which pages are pinned',
  pin_count: 'pin_count(): user space cannot see how many pins a page has',
  ref_count: 'ref_count(): user space cannot see reference counts',
  exclusive: 'exclusive(): bit 56 of pagemap says "mapped once", not PageAnonExclusive',
};

const ROOTS = ['/tmpfs/', '/ext4/', '/xfs/', '/btrfs/', '/hugetlbfs/'];

/** The reason, naming the call or the question; null when the test can be made into a program. */
export const staticSkip = (checked: CheckedTest): string | null =>
  callReason(checked) ?? pathReason(checked) ?? exitReason(checked) ?? termReason(checked);

const callReason = (checked: CheckedTest): string | null => {
  for (const name of checked.callNames) {
    const spec = callSpec(name);
    if (spec !== undefined && KERNEL_GROUPS.has(spec.group))
      return `${name}(): only the kernel itself can make this call`;
    if (spec?.group === 'devices') return `${name}(): no such device here`;
    const why = NOT_COMPARABLE[name];
    if (why !== undefined) return why;
    if (!canEmit(name) && !canEmit(`${name}_value`))
      return `${name}(): pinfold run cannot make this call yet`;
  }
  const names = constantNames(checked);
  for (const name of ['MADV_HWPOISON', 'MADV_SOFT_OFFLINE'])
    if (names.has(name)) return `madvise(${name}): it would take memory away from the machine`;
  if (usesResult(checked, 'shrink'))
    return 'shrink(): the kernel does not say how many pages it reclaimed';
  if (usesResult(checked, 'split_huge_page'))
    return 'split_huge_page(): the kernel does not say whether it split the page';
  return null;
};

const pathReason = (checked: CheckedTest): string | null => {
  for (const path of openedPaths(checked)) {
    const root = ROOTS.find((r) => path.startsWith(r));
    if (root === undefined) return `open("${path}"): no such file system here`;
    const rest = path.slice(root.length);
    if (rest === '' || rest.startsWith('.') || rest.includes('/'))
      return `open("${path}"): pinfold run opens files directly below ${root} only`;
  }
  return null;
};

const exitReason = (checked: CheckedTest): string | null =>
  checked.threads.filter((t) => t.forkedBy === null).length > 1 &&
  checked.test.threads.some(
    (t, i) => checked.threads[i]?.forkedBy === null && callsOf(t.body, 'exit'),
  )
    ? 'exit(): the process has other threads, which a real exit would end too'
    : null;

const termReason = (checked: CheckedTest): string | null => {
  const { filter } = checked.test;
  const terms = [
    ...shownTerms(checked).map((s) => s.term),
    ...(filter === null ? [] : filterTerms(filter.prop)),
  ];
  for (const term of terms) {
    if (term.kind === 'query' && !ANSWERED.has(term.name))
      return UNANSWERED[term.name] ?? `${term.name}(): user space cannot answer this`;
    if (term.kind === 'content' && term.of === 'device') return 'device(): no such device here';
    if (term.kind === 'located' && checked.types.get(term.expr)?.kind === 'pointer')
      return `${printTerm(term)}: an address differs from run to run`;
  }
  return null;
};

const filterTerms = (p: Prop): readonly Term[] => termsOf(p).filter((t) => t.kind !== 'constant');

/** Whether a statement calls `name`. */
const callsOf = (body: readonly Statement[], name: string): boolean =>
  body.some((s) => statementCalls(s, name));

const statementCalls = (s: Statement, name: string): boolean => {
  switch (s.kind) {
    case 'call':
      return s.call.name === name;
    case 'block':
      return callsOf(s.body, name);
    case 'kernel':
    case 'while':
    case 'for':
      return statementCalls(s.body, name);
    case 'if':
      return (
        statementCalls(s.consequent, name) ||
        (s.alternate !== null && statementCalls(s.alternate, name))
      );
    default:
      return false;
  }
};

/** Whether what `name` returns goes anywhere. */
const usesResult = (checked: CheckedTest, name: string): boolean => {
  const bare = new Set<Expr>();
  const note = (s: Statement): void => {
    if (s.kind === 'call') bare.add(s.call);
    if (s.kind === 'block') for (const inner of s.body) note(inner);
    if (s.kind === 'kernel' || s.kind === 'while' || s.kind === 'for') note(s.body);
    if (s.kind === 'if') {
      note(s.consequent);
      if (s.alternate !== null) note(s.alternate);
    }
  };
  for (const s of [...checked.test.init.body, ...checked.test.threads.flatMap((t) => t.body)])
    note(s);
  return [...checked.calls.keys()].some((c) => c.name === name && !bare.has(c));
};
