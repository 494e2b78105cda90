/**
 * The machine that `pinfold gup-test` runs on: a process with the memory that the options ask for, every page touched, and
 * the ioctl of gup_test on it, in the direct form or in the form that worker threads share.
 */
import * as directTest from '../../gen/direct/drivers/gup-test.ts';
import { newFile as directNewFile } from '../../gen/direct/mm/file-refs.ts';
import * as directSize from '../../gen/direct/mm/file-size.ts';
import { setHugetlbPool as directPool } from '../../gen/direct/mm/hugetlb.ts';
import * as sharedTest from '../../gen/shared/drivers/gup-test.ts';
import { newFile as sharedNewFile } from '../../gen/shared/mm/file-refs.ts';
import * as sharedSize from '../../gen/shared/mm/file-size.ts';
import { setHugetlbPool as sharedPool } from '../../gen/shared/mm/hugetlb.ts';
import { boot as bootDirect } from '../boot.ts';
import * as direct from '../index.ts';
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER } from '../machine/page.ts';
import { FILE } from '../mm/file-tables.ts';
import * as shared from '../shared.ts';
import { userError } from './errors.ts';

/** What is mapped: /dev/zero, or a file that is made as long as the mapping. */
export type Backing = 'zero' | 'tmpfs' | 'hugetlbfs' | 'devdax';

/** A run, of options and arguments that were understood. */
export interface Plan {
  readonly kernel: string;
  /** `GUP_TEST` number. */
  readonly command: number;
  /** Size of the range, pages a call, times, threads. */
  readonly pages: number;
  readonly perCall: number;
  readonly repeats: number;
  readonly threads: number;
  /** `FOLL` bits. */
  readonly flags: number;
  readonly backing: Backing;
  readonly shared: boolean;
  readonly hugetlb: boolean;
  /** madvise(): MADV_HUGEPAGE, MADV_NOHUGEPAGE, neither. */
  readonly thp: boolean | null;
  /** Pages whose structure is shown (-c), from 0. */
  readonly dumped: readonly number[];
}

/** What one ioctl says. Times in microseconds, size in pages. */
export interface Measured {
  readonly get: number;
  readonly put: number;
  readonly size: number;
  /** What the kernel would log. */
  readonly log: readonly string[];
}

const FORMS = {
  direct: {
    ...direct,
    ...directTest,
    ...directSize,
    newFile: directNewFile,
    setHugetlbPool: directPool,
  },
  shared: {
    ...shared,
    ...sharedTest,
    ...sharedSize,
    newFile: sharedNewFile,
    setHugetlbPool: sharedPool,
  },
} as const;
type Form = (typeof FORMS)[keyof typeof FORMS];
type System = direct.System;

/** Blocks of the buddy allocator; areas are made of whole ones. */
const BLOCK = 1 << 18;
const blocks = (pages: number): number => Math.ceil(pages / BLOCK) * BLOCK;

const configOf = ({ pages, backing, threads }: Plan) => ({
  // Half as much again for page tables and what huge pages leave over.
  areas: [
    { pages: blocks(Math.ceil(pages * 1.1) + 8192) },
    ...(backing === 'devdax' ? [{ pages: 4 * blocks(pages), device: true }] : []),
  ],
  slots: 8192 + 2 * Math.ceil(pages / HPAGE_PMD_NR),
  kmemWords: threads * (pages + 1) + 65_536,
  cpus: threads + 1,
  swapPages: 0,
});

/** The file to map; 0: none, the mapping is anonymous. */
const fileFor = (form: Form, k: System, { backing, pages }: Plan): number => {
  if (backing === 'zero') return 0;
  if (backing === 'devdax') {
    const file = form.newFile(k, FILE.devdax);
    k.file.order[file] = HPAGE_PMD_ORDER;
    k.file.pages[file] = k.zoneDevice.quarter;
    return file;
  }
  const huge = backing === 'hugetlbfs';
  const file = form.newFile(k, huge ? FILE.hugetlbfs : FILE.shmem);
  if (huge) k.file.order[file] = HPAGE_PMD_ORDER;
  form.sysFtruncate(k, file, huge ? hugePages(pages) * HPAGE_PMD_NR : pages, 0);
  return file;
};

const hugePages = (pages: number): number => Math.ceil(pages / HPAGE_PMD_NR);

/** Maps, advises and touches; the first page number of the range. */
const mapRange = (
  form: Form,
  k: System,
  task: number,
  plan: Plan,
  told: (pages: number) => void,
): number => {
  const { MAP, MADV, PROT } = direct;
  const { pages } = plan;
  if (plan.hugetlb || plan.backing === 'hugetlbfs')
    form.setHugetlbPool(k, HPAGE_PMD_ORDER, hugePages(pages));
  const file = plan.hugetlb ? 0 : fileFor(form, k, plan);
  const flags =
    (plan.shared ? MAP.shared : MAP.private) |
    (plan.hugetlb ? MAP.hugetlb : 0) |
    (file === 0 ? MAP.anonymous : 0);
  const start = form.sysMmap(k, task, 0, pages, PROT.read | PROT.write, flags, file, 0);
  if (start < 0) throw userError('C033', `mmap failed (error ${-start})`);
  if (plan.thp !== null) {
    const advice = plan.thp ? MADV.hugepage : MADV.nohugepage;
    form.sysMadvise(k, task, start, pages, advice);
  }
  for (let i = 0; i < pages; i++) {
    const pfn = form.userAccess(k, task, start + i, true);
    if (pfn < 0)
      throw userError('C033', `page ${i} of the range cannot be written to (error ${-pfn})`);
    if (i % 65_536 === 0) told(i);
  }
  return start;
};

const microseconds = (from: number): number => Math.floor((performance.now() - from) * 1000);

/** One ioctl, by `task`, on its own `pages + 1` words of kernel memory at `list`. */
const ioctl = (
  form: Form,
  k: System,
  task: number,
  plan: Plan,
  start: number,
  list: number,
): Measured => {
  const { command, pages, perCall, flags } = plan;
  const taken = list + pages;
  const began = performance.now();
  const size = form.gupTestTake(k, task, command, start, pages, perCall, flags, list, taken);
  const get = microseconds(began);
  const n = k.kmem[taken] ?? 0;
  const bad = form.gupTestVerify(k, command, list, n);
  const log = [
    ...(bad > 0 ? [`pages[${bad - 1}] is NOT dma-pinned`] : []),
    ...(bad < 0 ? [`pages[${-bad - 1}] is NOT pinnable but pinned`] : []),
    ...plan.dumped.flatMap((index) => dumpPage(form, k, list, n, start, index)),
  ];
  const then = performance.now();
  form.gupTestPut(k, task, command, list, n);
  return { get, put: microseconds(then), size, log };
};

const PAGE_SIZE = 4096;

/** dump_pages_test(): page `index` of those taken. */
const dumpPage = (
  form: Form,
  k: System,
  list: number,
  n: number,
  start: number,
  index: number,
): string[] => {
  if (index >= n) return [`page #${index} is out of range: ${n} pages were taken`];
  const pfn = k.kmem[list + index] ?? 0;
  const head = form.headOf(k, pfn);
  const order = form.orderOf(k, head);
  return [
    `---- page #${index}, starting from user virt addr: 0x${(start * PAGE_SIZE).toString(16)}`,
    `page: refcount:${k.page.refcount[head]} mapcount:${form.pageMapcount(k, pfn)} pfn:0x${pfn.toString(16)}`,
    ...(order > 0
      ? [`head: pfn:0x${head.toString(16)} order:${order} pincount:${pins(k, head)}`]
      : []),
  ];
};

/** Pins of a large folio. Its first tail page keeps them. */
const pins = (k: System, head: number): number => k.page.private[head + 1] ?? 0;

/** Runs the ioctl alone, `repeats` times, in the direct form; `said` hears of each. */
export const runAlone = (
  plan: Plan,
  told: (pages: number) => void,
  said: (measured: Measured) => void,
): void => {
  const form = FORMS.direct;
  const { k, task } = bootDirect(plan.kernel, configOf(plan));
  const start = mapRange(form, k, task, plan, told);
  const list = form.kmalloc(k, plan.pages + 1);
  for (let i = 0; i < plan.repeats; i++) said(ioctl(form, k, task, plan, start, list));
  checkReport(k);
};

/** What a worker thread is asked: the same ioctl by a task of its own in the same address space. */
export interface ThreadJob {
  readonly machine: shared.SharedMachine;
  readonly plan: Plan;
  readonly cpu: number;
  readonly task: number;
  readonly start: number;
  readonly list: number;
}

/** A machine for `plan.threads` workers, and what each of them is asked. `end` gives the machine back. */
export const prepareThreads = (
  plan: Plan,
  told: (pages: number) => void,
): { readonly jobs: readonly ThreadJob[]; readonly end: () => void } => {
  const form = FORMS.shared;
  const { k, machine, mm, task, detach } = shared.boot(plan.kernel, configOf(plan));
  const start = mapRange(form, k, task, plan, told);
  const jobs = Array.from({ length: plan.threads }, (_, i) => {
    const cpu = i + 1;
    const mine = form.newTask(k, mm, cpu);
    form.mmGet(k, mm);
    return { machine, plan, cpu, task: mine, start, list: form.kmalloc(k, plan.pages + 1) };
  });
  const end = (): void => {
    checkReport(k);
    detach();
  };
  return { jobs, end };
};

/** One thread's whole run. */
export const runThread = ({ machine, plan, cpu, task, start, list }: ThreadJob): Measured[] => {
  const { k, detach } = shared.attach(machine, cpu);
  const all = Array.from({ length: plan.repeats }, () =>
    ioctl(FORMS.shared, k, task, plan, start, list),
  );
  detach();
  return all;
};

const checkReport = (k: System): void => {
  const code = k.report[0] ?? direct.BUG.none;
  if (code !== direct.BUG.none)
    throw userError('C034', `the kernel ends in ${direct.bugName(code)}`);
};
