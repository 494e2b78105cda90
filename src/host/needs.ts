/** What a test needs of the machine besides memory. */
import type { CheckedTest } from '../litmus/checked.ts';
import { termsOf } from './shown.ts';

/** Paths that the test opens. */
export const openedPaths = (checked: CheckedTest): string[] =>
  [...checked.calls.keys()].flatMap((c) =>
    c.name === 'open' && c.args[0]?.kind === 'string' ? [c.args[0].value] : [],
  );

const DISKS = ['ext4', 'xfs', 'btrfs'] as const;
export type DiskFileSystem = (typeof DISKS)[number];

/** The file system on a disk that the test uses, or null. */
export const diskFileSystem = (checked: CheckedTest): DiskFileSystem | null =>
  DISKS.find((fs) => openedPaths(checked).some((p) => p.startsWith(`/${fs}/`))) ?? null;

/** Whether the test opens files below /hugetlbfs. */
export const usesHugetlbfs = (checked: CheckedTest): boolean =>
  openedPaths(checked).some((p) => p.startsWith('/hugetlbfs/'));

/** Names of constants that the test writes. */
export const constantNames = (checked: CheckedTest): ReadonlySet<string> =>
  new Set([...checked.bindings.values()].flatMap((b) => (b.kind === 'constant' ? [b.name] : [])));

/** The pool of huge pages, of which the machine has one. */
export const usesHugetlb = (checked: CheckedTest): boolean => {
  const names = constantNames(checked);
  return (
    checked.callNames.includes('set_nr_hugepages') ||
    names.has('MAP_HUGETLB') ||
    names.has('MFD_HUGETLB') ||
    usesHugetlbfs(checked)
  );
};

/** Pages that go to swap: the model always has some. */
export const usesSwap = (checked: CheckedTest): boolean =>
  constantNames(checked).has('MADV_PAGEOUT') ||
  ['shrink', 'swap_in', 'swapoff'].some((name) => checked.callNames.includes(name));

/** KSM, of which the machine has one. */
export const usesKsm = (checked: CheckedTest): boolean => checked.callNames.includes('ksm');

/** Counters of the whole machine that others, too, could move. */
export const usesCounters = (checked: CheckedTest): boolean => {
  const { condition, filter, locations } = checked.test;
  return [
    ...termsOf(condition.prop),
    ...(filter === null ? [] : termsOf(filter.prop)),
    ...(locations?.terms ?? []),
  ].some((t) => t.kind === 'counter');
};

/** Something that the machine has only once: such tests run one at a time. */
export const usesMachine = (checked: CheckedTest): boolean =>
  usesHugetlb(checked) || usesSwap(checked) || usesKsm(checked) || usesCounters(checked);
