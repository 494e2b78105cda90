/** A witness as people and programs read it: plain data, everything decoded. */

/** What a difference is about. `internal`: bookkeeping of the model that no kernel has, or free lists. */
export type DifferenceKind =
  | 'page'
  | 'entry'
  | 'content'
  | 'variable'
  | 'lock'
  | 'tlb'
  | 'mapping'
  | 'process'
  | 'event'
  | 'counter'
  | 'io'
  | 'swap'
  | 'internal';

/** One thing that a step changed. */
export interface Difference {
  readonly kind: DifferenceKind;
  /** `refs of page buf`, `pte of buf in P0`, `r0`. */
  readonly object: string;
  readonly before: string;
  readonly after: string;
  /** Page frame that it belongs to; null: none. */
  readonly frame: number | null;
  /** What a reader wants to know; the rest is for `--full`. */
  readonly shown: boolean;
}

/** The counts of a page (of a folio, by its head) after a step. */
export interface PageCounts {
  readonly frame: number;
  readonly page: string;
  readonly refs: number;
  /** Pins that are held in truth, which the references of a small folio cannot tell. */
  readonly pins: number;
  /** The folio's own pin count; null: it has none, each pin is 1024 references. */
  readonly pincount: number | null;
  /** Mappings of all its pages. */
  readonly maps: number;
  /** Mappings of the whole folio at once; null: it is one page. */
  readonly entire: number | null;
  /** PG_anon_exclusive; null where the kernel has no such flag or the page is not anonymous. */
  readonly exclusive: boolean | null;
}

export interface ExplainedStep {
  /** From 1. */
  readonly index: number;
  /** Which decision of the path it is, from 1; null: nobody could notice it, so none was made. */
  readonly decision: number | null;
  /** Index among `threads`. */
  readonly thread: number;
  /** Line of the test; null: the thread's start or end, or the device. */
  readonly line: number | null;
  /** That line of the test without comments. */
  readonly statement: string | null;
  /** Counts up by thread: steps of one run of one statement have the same. */
  readonly run: number;
  /** Function of the kernel that it stands for, innermost; null: none is named. */
  readonly kernelFunction: string | null;
  /** First sentence of the docstring of the innermost function. */
  readonly what: string;
  /** Rules of semantics.md that function follows. */
  readonly rules: readonly string[];
  /** Where it is in the source of the model: `src/mm/grab.ts:144`. */
  readonly source: string | null;
  /** Functions of the model, outermost first. */
  readonly functions: readonly string[];
  readonly access: { readonly operation: string; readonly object: string };
  /** What it read that another thread has written or is about to write: `refs of page buf: 2`; null: nothing of the kind. */
  readonly meets: string | null;
  readonly differences: readonly Difference[];
  /** Pages of interest whose counts differ from what they were after the step before. */
  readonly counts: readonly PageCounts[];
  /** What goes wrong here, in sentences. */
  readonly moments: readonly string[];
}

export interface ExplainedThread {
  readonly name: string;
  /** Index of its process; null: a kernel thread or the device. */
  readonly process: number | null;
}

export interface ExplainedEnd {
  readonly kind: 'state' | 'problem';
  /** The final state's terms, or what the problem is; as `pinfold check` prints it. */
  readonly text: string;
  /** Whether the proposition holds; null for a problem. */
  readonly holds: boolean | null;
}

export interface Explanation {
  readonly test: string;
  readonly file: string;
  /** First 12 hexadecimal digits of the SHA-256 of the test as `pinfold fmt` prints it. */
  readonly hash: string;
  readonly kernel: string;
  readonly condition: string;
  readonly end: ExplainedEnd;
  /** Why this end is shown. */
  readonly reason: string;
  /** Text of the path, as `--path` takes it. */
  readonly path: string;
  /** Command that shows it again. */
  readonly command: string;
  readonly threads: readonly ExplainedThread[];
  /** Pages of interest before the first step. */
  readonly start: readonly PageCounts[];
  readonly steps: readonly ExplainedStep[];
  /** What went wrong, and the step (from 1) after which it had; null: nothing did. */
  readonly verdict: { readonly step: number; readonly text: string } | null;
}
