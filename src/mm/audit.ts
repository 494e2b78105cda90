/**
 * The model's own fsck: recounts, for a machine that stands still between calls, everything that is also kept as
 * a count: references, mappings, page tables, rss, pools, free memory, swap, lists. Nothing is changed and nothing
 * is trusted but the structures themselves. Rules: semantics.md A.9.4, A.14, A.18.2, A.19.1, A.26.1.
 *
 * `audit` is for any kernel that stands still, `auditIdle` besides for one in which nobody is in the middle of anything.
 */
import { auditBuddy } from './audit-buddy.ts';
import { auditFiles } from './audit-files.ts';
import { auditFolios } from './audit-folios.ts';
import { auditHugetlb } from './audit-hugetlb.ts';
import { auditSwap } from './audit-swap.ts';
import { auditTables } from './audit-tables.ts';
import { claimHeld, claimKernel, type Held, newTally } from './audit-tally.ts';
import { auditTlb } from './audit-tlb.ts';
import { auditVmas } from './audit-vmas.ts';
import type { Kernel } from './kernel.ts';

export { auditIdle } from './audit-idle.ts';
export { type Held, newHeld } from './audit-tally.ts';

/**
 * Recounts the whole machine. `held` are the references that the caller knows of: what pinning calls gave out, what
 * drivers keep, open descriptors. Returns what does not add up, one line each, in the order in which it was found;
 * empty when all is well. Works on a kernel of any form.
 */
export function audit(k: Kernel, held: Held): string[] {
  const t = newTally(k);
  auditBuddy(k, t);
  claimKernel(k, t);
  claimHeld(k, t, held);
  auditVmas(k, t);
  auditTables(k, t);
  auditFiles(k, t, held);
  auditHugetlb(k, t);
  auditSwap(k, t);
  auditFolios(k, t);
  auditTlb(k, t);
  return t.findings;
}
