/**
 * Pinfold as a library, in three parts.
 *
 * Litmus tests: `parse` a text, `new Checker(checked).check('6.12')` explores it, `print` writes a tree back.
 * Kernels: the versions, and what each does (`rulesFor('6.12').cow.smallReuse`).
 * The system: `boot('6.12')` gives a machine with one process; the calls below are the kernel's, under its names.
 *
 * Calls of the system take the machine first and the calling task second, addresses and lengths in pages, and
 * answer with what the kernel would: a count, or a negative error number. An array of `struct page *` is `n` words
 * of `k.kmem` (`kmalloc(k, n)`), each a page frame number.
 */

export { bootSystem, type System, type SystemConfig } from '../gen/direct/fs/system.ts';
export { copyPage, pageByte, setPageByte } from '../gen/direct/machine/contents.ts';
export { leafPfn } from '../gen/direct/machine/mmu.ts';
export { BUG, bugName, WARN } from '../gen/direct/machine/report.ts';
export { exitMm } from '../gen/direct/mm/exit.ts';
export { headOf, orderOf, pageAnonExclusive, pageMapcount } from '../gen/direct/mm/folio.ts';
export { FOLL, follNames } from '../gen/direct/mm/foll.ts';
export { dupMm } from '../gen/direct/mm/fork.ts';
export * from '../gen/direct/mm/gup.ts';
export {
  bootKernel,
  type Kernel,
  type KernelConfig,
  kmalloc,
  newTask,
} from '../gen/direct/mm/kernel.ts';
export { MADV, sysMadvise } from '../gen/direct/mm/madvise.ts';
export { userAccess } from '../gen/direct/mm/memory.ts';
export { mmAlloc } from '../gen/direct/mm/mm-alloc.ts';
export { MAP, PROT, sysMmap, sysMunmap } from '../gen/direct/mm/mmap.ts';
export { folioMaybeDmaPinned } from '../gen/direct/mm/pinned.ts';
export * from '../gen/direct/mm/unpin.ts';
export { vmstatSum } from '../gen/direct/mm/vmstat.ts';
export { VMSTAT } from '../gen/direct/mm/vmstat-items.ts';
export { type Booted, boot } from './boot.ts';
export { Checker, type CheckOptions, type Verdict } from './explore/check.ts';
export type { FinalState, Observation } from './explore/findings.ts';
export * from './kernels/index.ts';
export {
  type CheckedTest,
  type Diagnostic,
  expectedAt,
  type LitmusTest,
  type ParseResult,
  parse,
  print,
  renderDiagnostics,
} from './litmus/index.ts';
export * as shared from './shared.ts';
