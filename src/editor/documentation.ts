/** What an editor says about the words of the language and the symbols of a test, as Markdown. */
import type { CallForm, CallSpec } from '../litmus/calls.ts';
import { CALLS } from '../litmus/calls.ts';
import { CONSTANTS } from '../litmus/constants.ts';
import { QUERIES } from '../litmus/queries.ts';
import { formatType } from '../litmus/types.ts';
import type { Occurrence, Reference } from './references.ts';
import type { Source } from './source.ts';
import { variableOf } from './types.ts';

const code = (text: string): string => `\`\`\`c\n${text}\n\`\`\``;

const WHERE: Readonly<Record<CallSpec['where'], string>> = {
  user: 'A system call: in a thread, outside `kernel:`.',
  kernel: 'A call of the kernel: in a `Kn` or below `kernel:`.',
  any: 'In user mode and in kernel mode.',
};

const signaturesOf = (forms: readonly CallForm[]): string =>
  code(forms.map((f) => f.signature).join('\n'));

/** The sentence of a call, where it may stand, and the errors it may return. */
export const callNotes = (spec: CallSpec): string =>
  [
    spec.doc,
    WHERE[spec.where],
    ...(spec.errors.length > 0
      ? [`Errors: ${spec.errors.map((e) => `\`-${e}\``).join(', ')}`]
      : []),
  ].join('\n\n');

/** Family and value of a constant, decimal and hexadecimal. */
export const constantNotes = (name: string): string | null => {
  const constant = CONSTANTS.get(name);
  if (constant === undefined) return null;
  const { value, family } = constant;
  const hex = value > 9 ? ` = 0x${value.toString(16)}` : '';
  return [
    code(`${name} = ${value}${hex}`),
    FAMILIES[family] ?? `Flag of the family ${family}.`,
  ].join('\n\n');
};

const FAMILIES: Readonly<Record<string, string>> = {
  SIZE: 'A size, in bytes; the counting bias, in references.',
  NULL: 'No address; for a list of pages: none is wanted; for an offset: where the file stands.',
  BOOL: 'A truth value.',
  E: 'An error number (family E); calls return it negated.',
};

/** Form and meaning of a question that conditions may ask. */
export const queryNotes = (name: string): string | null => {
  const query = QUERIES.get(name);
  if (query === undefined) return null;
  const pages = Array.from({ length: query.pages }, (_, i) => `page${i === 0 ? '' : i + 1}`);
  return [
    code(`${name}(${pages.join(', ')})`),
    query.doc,
    query.gives === 'truth'
      ? 'True or false: may stand alone.'
      : `A number: compare it, as in \`${name}(0:buf)=1\`.`,
  ].join('\n\n');
};

const STORAGE = {
  global: 'Variable of the initial block: one for each process, copied at the fork.',
  local: 'Local variable of',
  register: 'Register of',
} as const;

const symbolNotes = (source: Source, o: Occurrence): string => {
  if (o.kind === 'variable') {
    const variable = variableOf(source, o);
    const owner = o.thread === null ? '' : ` ${o.thread}.`;
    if (variable === undefined)
      return `${code(o.name)}\n\n${o.thread === null ? STORAGE.global : `Name of${owner}`}`;
    return `${code(formatType(variable.type, o.name))}\n\n${STORAGE[variable.storage]}${owner}`;
  }
  if (o.kind === 'thread') {
    const thread = source.checked.threads.find((t) => t.name === o.name);
    const what = o.name.startsWith('K')
      ? 'A kernel context without an address space of its own.'
      : thread?.forkedBy == null
        ? 'A thread of process 0.'
        : `The thread of a process that ${thread.forkedBy} forks.`;
    return `${code(`${o.name}()`)}\n\n${thread === undefined ? 'There is no such thread.' : what}`;
  }
  const what = {
    event: 'An event: `post` marks it as having happened, `await` waits for it.',
    barrier: 'A barrier: waits until every thread that names it has come to it.',
    lock: 'A spin lock.',
  }[o.kind];
  return `${code(o.name)}\n\n${what}`;
};

/** What there is to say about a name, or null. */
export const notesOf = (source: Source, r: Reference): string | null => {
  switch (r.kind) {
    case 'symbol':
      return symbolNotes(source, r.occurrence);
    case 'call': {
      const spec = CALLS.get(r.name);
      return spec === undefined ? null : `${signaturesOf(spec.forms)}\n\n${callNotes(spec)}`;
    }
    case 'constant':
      return constantNotes(r.name);
    case 'query':
      return queryNotes(r.name);
    case 'counter':
      return `${code(r.name)}\n\nA counter of the kernel, as /proc/vmstat has it; it counts from the start of the test.`;
  }
};
