/** What could be written at an offset, by where that is. */
import { type CompletionItem, CompletionItemKind } from 'vscode-languageserver';
import { DESIGNS } from '../kernels/index.ts';
import { CALLS, type CallSpec, type Param } from '../litmus/calls.ts';
import { CONSTANTS } from '../litmus/constants.ts';
import { INT_TYPES } from '../litmus/types.ts';
import { conditionItems } from './completion-condition.ts';
import {
  callItems,
  constantItem,
  keyword,
  type Rank,
  snippet,
  symbol,
  withoutSnippet,
} from './completion-items.ts';
import { namesInReach, namesOfKind } from './names.ts';
import type { Place } from './places.ts';
import { paramsAt } from './references.ts';
import { type Source, tokenFor } from './source.ts';
import { suits } from './types.ts';

const OUTCOMES = ['Never', 'Sometimes', 'Always', 'Deadlock', 'Bug', 'Unsupported'];

/** In a comment: the lines that mean something. */
const commentItems = (line: string): CompletionItem[] => {
  if (/Result:\s*\w*$/.test(line))
    return OUTCOMES.map((o) => symbol(o, CompletionItemKind.EnumMember, 'expected outcome', 0));
  if (/Design:[\w\s.,-]*$/.test(line))
    return DESIGNS.map((d) => symbol(d.name, CompletionItemKind.EnumMember, 'design variant', 0));
  if (!/^\s*(?:\(\*+|\/\*+|\/\/+|\*)?\s*\w*$/.test(line)) return [];
  return [
    snippet('Result:', `Result: \${1|${OUTCOMES.join(',')}|} (\${2:>= 5.8})`, 'what is expected'),
    snippet('Design:', 'Design: $1', 'design variants the test is about'),
  ];
};

/** Between the parts of a file. */
const topItems = (source: Source): CompletionItem[] => {
  const next = (mode: 'P' | 'K'): string => {
    const used = source.test.threads.filter((t) => t.mode === mode).map((t) => t.index);
    return `${mode}${Math.max(-1, ...used) + 1}`;
  };
  const body = (name: string): string => `${name}()\n{\n  $0\n}`;
  return [
    ...(source.tokens[0]?.kind === 'header'
      ? []
      : [snippet('C', `C \${1:name-of-the-test}\n\n{\n  $0\n}`, 'the first line', 0)]),
    snippet(next('P'), body(next('P')), 'a thread', 1),
    snippet(next('K'), body(next('K')), 'a kernel context', 1),
    ...['exists', '~exists', 'forall', 'filter'].map((q) =>
      snippet(q, `${q} ($0)`, q === 'filter' ? 'final states to look at' : 'final condition'),
    ),
    snippet('locations', 'locations [$0;]', 'what else each state shows'),
  ];
};

const STATEMENTS: readonly CompletionItem[] = [
  snippet(
    'for',
    `for (\${1:i} = 0; $1 < \${2:3}; $1++) {\n  $0\n}`,
    'a loop with a constant bound',
  ),
  snippet('if', `if (\${1:test}) {\n  $0\n}`, 'a branch'),
  snippet('kernel:', 'kernel: $0', 'runs in kernel mode'),
  ...['while', 'else', 'break', 'return'].map((k) => keyword(k)),
  ...[...INT_TYPES.keys(), 'struct page', 'struct folio', 'void'].map((t) => keyword(t, 3)),
];

/** Calls that may stand here; those of the kernel begin a statement with `kernel:` in user mode. */
const callsHere = (place: Place): CompletionItem[] => {
  const rankOf = (spec: CallSpec): Rank | null => {
    if (spec.forms[0]?.returns === 'void' && !place.starts) return null;
    if (place.kernel) return spec.where === 'user' ? null : 1;
    if (spec.where !== 'kernel') return 1;
    return place.starts ? 2 : null;
  };
  return [...CALLS.values()].flatMap((spec) => {
    const rank = rankOf(spec);
    if (rank === null) return [];
    const prefix = spec.where === 'kernel' && !place.kernel ? 'kernel: ' : '';
    return callItems(spec, place.starts, prefix, rank);
  });
};

const constantsOf = (families: readonly string[], rank: Rank): CompletionItem[] =>
  [...CONSTANTS.values()]
    .filter((c) => families.includes(c.family))
    .map((c) => constantItem(c, rank));

const variablesHere = (
  source: Source,
  place: Place,
  at: number,
  params: readonly Param[],
): CompletionItem[] =>
  namesInReach(source, place.thread, at).map(({ name, type, known }) => {
    const fits = known !== undefined && params.some((p) => suits(p, known));
    return symbol(name, CompletionItemKind.Variable, type, fits || params.length === 0 ? 0 : 2);
  });

/** The argument of a call: what its parameter takes. */
const argumentItems = (
  source: Source,
  place: Place,
  at: number,
  params: readonly Param[],
): CompletionItem[] => {
  const items: CompletionItem[] = [];
  const variables = params.some(
    (p) => !['thread', 'event', 'barrier', 'lock', 'string'].includes(p.type),
  );
  for (const { type, families } of params) {
    if (type === 'thread')
      for (const t of source.test.threads)
        items.push(symbol(t.name, CompletionItemKind.Module, 'a thread', 0));
    else if (type === 'event' || type === 'barrier' || type === 'lock')
      for (const n of namesOfKind(source, type, at))
        items.push(symbol(n, CompletionItemKind.Event, type, 0));
    else if (type === 'flags') items.push(...constantsOf(families, 0));
    else if (type === 'int' || type === 'size') items.push(...constantsOf(['SIZE'], 0));
    else if (type === 'address' || type === 'pages' || type === 'offset')
      items.push(...constantsOf(['NULL'], 1));
  }
  if (variables) items.push(...variablesHere(source, place, at, params));
  return items;
};

const bodyItems = (source: Source, place: Place, at: number): CompletionItem[] => {
  if (place.declares) return [];
  if (place.call !== null) {
    const params = paramsAt(place.call.name, place.call.argument);
    return params.length > 0 ? argumentItems(source, place, at, params) : [];
  }
  return [
    ...variablesHere(source, place, at, []),
    ...callsHere(place),
    ...(place.starts ? STATEMENTS : constantsOf(['SIZE', 'NULL', 'BOOL', 'E'], 3)),
  ];
};

/**
 * Completions at an offset. Entries are not filtered by what was typed already: the editor does that.
 * @param snippets whether the editor knows places to fill in
 */
export const completionsAt = (
  source: Source,
  offset: number,
  snippets: boolean,
): CompletionItem[] => {
  const finish = (items: CompletionItem[]): CompletionItem[] => {
    const once = [...new Map(items.map((i) => [`${i.label}${i.detail}`, i])).values()];
    return snippets ? once : once.map(withoutSnippet);
  };
  const comment = source.comments.find(({ text, span }) => {
    const open = text.startsWith('//') || !/\*[)/]$/.test(text);
    return span.start < offset && (offset < span.end || (open && offset === span.end));
  });
  if (comment !== undefined) {
    const line = source.text.slice(source.text.lastIndexOf('\n', offset - 1) + 1, offset);
    return finish(commentItems(line));
  }
  const at = tokenFor(source, offset);
  const inside = source.tokens.find(
    (t) => t.kind === 'string' && t.span.start < offset && offset < t.span.end,
  );
  const place = source.places[at];
  if (inside !== undefined || place === undefined) return [];
  if (/\d/.test(source.text[offset - 1] ?? '') && source.tokens[at]?.kind !== 'name') return [];
  if (place.section === 'top') return finish(topItems(source));
  if (place.section === 'condition') return finish(conditionItems(source, at));
  return finish(bodyItems(source, place, at));
};
