/** How far a search may go, and what it says of how far it is. */

export interface Limits {
  /** States stored at most. */
  readonly states: number;
  /** Milliseconds at most. */
  readonly time: number;
  /** When (`performance.now()`) they are over; absent: that long from the start of the search on. */
  readonly deadline?: number;
  /** Bytes that the stored states may take; absent: no limit of ours. */
  readonly bytes?: number;
  /** Told now and then how far the search is; true: stop here. */
  readonly poll?: (at: SearchProgress) => boolean;
}

/** How far a search is. */
export interface SearchProgress {
  readonly states: number;
  readonly steps: number;
  /** States on the way from the start to where the search stands. */
  readonly depth: number;
  /** Bytes that the stored states take. */
  readonly bytes: number;
}
