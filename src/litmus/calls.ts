/**
 * The table of every call of the language: the one place that says what a body may call, with which
 * arguments, and where. The checker, the C generator, the documentation and the compiler of bodies
 * all read it. Signatures are written as C would, with the parameter kinds below in place of types.
 */
import type { CallEntry, CallGroup } from './call-entry.ts';
import { DAEMON_CALLS } from './calls-daemon.ts';
import { DEVICE_CALLS } from './calls-device.ts';
import { KERNEL_CALLS } from './calls-kernel.ts';
import { USER_CALLS } from './calls-user.ts';

/**
 * What an argument is:
 * - int: any integer expression; size: the same, counted in bytes (or pages where the name says so)
 * - flags: constants of the families named, joined with `|` (an integer literal passes unjudged)
 * - address: a user address: pointer, array of the program, NULL, or an integer
 * - fd: a file descriptor; handle: what a device call returned (MR, UMEM, buffer)
 * - fds: `int p[2]`, filled by the call
 * - offset: an integer, or the word NULL for "where the file stands"
 * - page: a `struct page *` or `struct folio *` value; pages: an array of them (`pages`, `pages + 1`,
 *   `&pages[1]`), `&page` of a single one, or NULL
 * - out: `&name` of an integer variable that the call fills
 * - string: a string literal; thread: `P1`; event, barrier, lock: a name of its own name space
 */
export type ParamType =
  | 'int'
  | 'size'
  | 'offset'
  | 'flags'
  | 'address'
  | 'fd'
  | 'handle'
  | 'fds'
  | 'page'
  | 'pages'
  | 'out'
  | 'string'
  | 'thread'
  | 'event'
  | 'barrier'
  | 'lock';

/**
 * What a call gives: void nothing; int a value >= 0 or a negative error number; fd and handle the
 * same, meant for parameters of that kind; pointer a user address (or a negative error number, as
 * MAP_FAILED carries none here); page a `struct page *` (0: none); byte the value read, 0 and up, or
 * a negative error number; fds the two descriptors of a pipe, only to initialise `int p[2]`.
 */
export type ReturnType = 'void' | 'int' | 'fd' | 'handle' | 'pointer' | 'page' | 'byte' | 'fds';

export interface Param {
  readonly name: string;
  readonly type: ParamType;
  /** For flags: families of constants.ts it takes. Empty otherwise. */
  readonly families: readonly string[];
}

/** One way to call: forms of a call differ in the number of parameters. */
export interface CallForm {
  readonly params: readonly Param[];
  readonly returns: ReturnType;
  /** As written in the table; for messages and documentation. */
  readonly signature: string;
}

export interface CallSpec {
  readonly name: string;
  readonly group: CallGroup;
  /** user: a Pn body or the initial block, not below `kernel:`. kernel: Kn or below `kernel:`. any: both. */
  readonly where: 'user' | 'kernel' | 'any';
  readonly forms: readonly CallForm[];
  /** One sentence: the manual's or the kernel's meaning. */
  readonly doc: string;
  /** Error numbers it may return, without the sign. */
  readonly errors: readonly string[];
}

const parseParam = (text: string): Param => {
  const [kind = '', name = ''] = text.trim().split(/\s+/);
  if (/^[A-Z]/.test(kind)) return { name, type: 'flags', families: kind.split('|') };
  return { name, type: kind as ParamType, families: [] };
};

const parseForm = (signature: string): CallForm => {
  const m = /^(\w+) (\w+)\((.*)\)$/.exec(signature);
  if (m === null) throw new Error(`bad signature in the table of calls: ${signature}`);
  const [, returns = '', , params = ''] = m;
  return {
    params: params === '' ? [] : params.split(',').map(parseParam),
    returns: returns as ReturnType,
    signature,
  };
};

const specOf = (entry: CallEntry): CallSpec => {
  const forms = entry.forms.map(parseForm);
  const name = /(\w+)\(/.exec(entry.forms[0] ?? '')?.[1] ?? '';
  return {
    name,
    group: entry.group,
    where: entry.where,
    forms,
    doc: entry.doc,
    errors: entry.errors,
  };
};

/** Every call, by name, in the order of the documentation. */
export const CALLS: ReadonlyMap<string, CallSpec> = new Map(
  [...USER_CALLS, ...DEVICE_CALLS, ...KERNEL_CALLS, ...DAEMON_CALLS]
    .map(specOf)
    .map((spec) => [spec.name, spec] as const),
);

/** The call of that name, or undefined. */
export const callSpec = (name: string): CallSpec | undefined => CALLS.get(name);
