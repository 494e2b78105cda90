/** How the parts of the table of calls are written; calls.ts reads the signatures. */

export type CallGroup =
  | 'memory'
  | 'process'
  | 'files'
  | 'async-io'
  | 'devices'
  | 'order'
  | 'get'
  | 'pin'
  | 'release'
  | 'page'
  | 'context'
  | 'daemon';

/** What the table's parts write: signatures and a sentence. */
export interface CallEntry {
  readonly group: CallGroup;
  readonly where: 'user' | 'kernel' | 'any';
  /** `pointer mmap(address addr, size length, PROT prot)`; upper case kinds are families of flags. */
  readonly forms: readonly string[];
  readonly doc: string;
  readonly errors: readonly string[];
}

/** Signature or signatures, sentence, error numbers in one string. */
export type Row = readonly [forms: string | readonly string[], doc: string, errors?: string];

/** Rows of one group to entries. */
export const rows = (
  group: CallGroup,
  where: CallEntry['where'],
  list: readonly Row[],
): CallEntry[] =>
  list.map(([forms, doc, errors = '']) => ({
    group,
    where,
    forms: typeof forms === 'string' ? [forms] : forms,
    doc,
    errors: errors === '' ? [] : errors.split(' '),
  }));
