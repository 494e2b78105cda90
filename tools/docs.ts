/**
 * Writes docs/errors.md, and the tables of docs/language.md from the tables of the language: between `<!-- begin NAME -->` and
 * `<!-- end NAME -->`. `node tools/docs.ts` writes the files, `--check` only says whether they are current.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isModelled } from '../src/litmus/compile/body.ts';
import {
  CALLS,
  type CallGroup,
  type CallSpec,
  CONSTANTS,
  ERRORS,
  QUERIES,
} from '../src/litmus/index.ts';
import { COUNTERS } from '../src/litmus/queries.ts';
import { errorsPage } from './errors-page.ts';

const FILE = fileURLToPath(new URL('../docs/language.md', import.meta.url));

const ERRORS_FILE = fileURLToPath(new URL('../docs/errors.md', import.meta.url));

const GROUPS: Readonly<Record<CallGroup, string>> = {
  memory: 'Memory',
  process: 'Processes',
  files: 'Files and pipes',
  'async-io': 'Asynchronous I/O',
  devices: 'Devices',
  order: 'Order between threads',
  get: 'Kernel: plain references',
  pin: 'Kernel: pins',
  release: 'Kernel: giving back',
  page: 'Kernel: the state of a page',
  context: 'Kernel: context',
  daemon: 'Kernel: daemons',
};

/** In a table's cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

const callRow = (spec: CallSpec): string => {
  const forms = spec.forms.map((f) => `\`${cell(f.signature)}\``).join('<br>');
  const errors = spec.errors.length === 0 ? '' : ` Errors: ${spec.errors.join(', ')}.`;
  const modelled = isModelled(spec.name) ? '' : ' *Not modelled yet.*';
  return `| ${forms} | ${cell(spec.doc)}${errors}${modelled} |`;
};

const WHERE = { user: 'in user mode', kernel: 'in kernel mode', any: 'in either mode' } as const;

const calls = (): string =>
  (Object.keys(GROUPS) as CallGroup[])
    .map((group) => {
      const specs = [...CALLS.values()].filter((c) => c.group === group);
      const where = [...new Set(specs.map((c) => WHERE[c.where]))].join(', ');
      return [
        `### ${GROUPS[group]}`,
        '',
        `May be called ${where}.`,
        '',
        '| call | meaning |',
        '|---|---|',
        ...specs.map(callRow),
      ].join('\n');
    })
    .join('\n\n');

const queries = (): string =>
  [
    '| question | answer |',
    '|---|---|',
    ...[...QUERIES.values()].map((q) => {
      const form = q.pages === 1 ? `${q.name}(0:buf)` : `${q.name}(0:buf, 1:buf)`;
      return `| \`${form}${q.gives === 'number' ? '=1' : ''}\` | ${cell(q.doc)} |`;
    }),
    '',
    `Counters of \`/proc/vmstat\`: ${[...COUNTERS].map((c) => `\`${c}\``).join(', ')}.`,
  ].join('\n');

const constants = (): string => {
  const families = new Map<string, string[]>();
  for (const { name, family } of CONSTANTS.values())
    families.set(family, [...(families.get(family) ?? []), name]);
  return ['| family | names |', '|---|---|']
    .concat(
      [...families].map(
        ([family, names]) => `| ${family} | ${names.map((n) => `\`${n}\``).join(' ')} |`,
      ),
    )
    .join('\n');
};

const errors = (): string =>
  [
    '| code | what is wrong | advice |',
    '|---|---|---|',
    ...Object.entries(ERRORS).map(([code, { title, advice, severity }]) => {
      const kind = severity === 'warning' ? ' (warning)' : '';
      return `| ${code} | ${cell(title)}${kind} | ${cell(advice)} |`;
    }),
  ].join('\n');

/** The text with every generated part as it should be. Throws RangeError when a part has no place in it. */
export const withTables = (text: string): string => {
  let result = text;
  for (const [name, table] of Object.entries({ calls, queries, constants, errors })) {
    const part = new RegExp(`(<!-- begin ${name} -->\n)[^]*?(<!-- end ${name} -->)`);
    if (!part.test(result)) throw new RangeError(`docs/language.md has no place for '${name}'`);
    result = result.replace(
      part,
      (_, begin: string, end: string) => `${begin}\n${table()}\n\n${end}`,
    );
  }
  return result;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const current: readonly (readonly [file: string, text: string])[] = [
    [FILE, withTables(readFileSync(FILE, 'utf8'))],
    [ERRORS_FILE, errorsPage()],
  ];
  const old = current.filter(
    ([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text,
  );
  for (const [file, text] of old) {
    if (process.argv.includes('--check')) {
      console.error(`${file} is not current: run node tools/docs.ts`);
      process.exitCode = 1;
    } else writeFileSync(file, text);
  }
}
