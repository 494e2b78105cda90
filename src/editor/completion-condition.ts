/** Completion in conditions: threads, what a thread knows, questions, counters, what to compare with. */
import { type CompletionItem, CompletionItemKind } from 'vscode-languageserver';
import { CONSTANTS } from '../litmus/constants.ts';
import { COUNTERS, QUERIES } from '../litmus/queries.ts';
import { constantItem, queryItem, snippet, symbol } from './completion-items.ts';
import { namesInReach } from './names.ts';
import type { Source } from './source.ts';

const COMPARES = /^(?:!?=|[<>]=?)$/;

/** `0:` and the names behind it, in one entry each, so that typing the name finds it. */
const located = (source: Source, at: number): CompletionItem[] =>
  source.test.threads.flatMap((t) => {
    const prefix = t.mode === 'P' ? `${t.index}:` : `${t.name}:`;
    return [
      symbol(prefix, CompletionItemKind.Module, t.name, 0),
      ...namesInReach(source, t.name, at).map(({ name, type }) =>
        symbol(`${prefix}${name}`, CompletionItemKind.Variable, type, 1),
      ),
    ];
  });

/** What may stand at that token of a condition. */
export const conditionItems = (source: Source, at: number): CompletionItem[] => {
  const place = source.places[at];
  const before = source.tokens[at - 1]?.text ?? '';
  if (place === undefined || place.prefix) return [];
  if (place.thread !== null)
    return namesInReach(source, place.thread, at).map(({ name, type }) =>
      symbol(name, CompletionItemKind.Variable, type, 0),
    );
  if (COMPARES.test(before)) {
    const families = ['E', 'SIZE', 'BOOL'];
    return [...CONSTANTS.values()]
      .filter((c) => families.includes(c.family))
      .map((c) => {
        const item = constantItem(c, c.family === 'E' ? 1 : 2);
        return c.family === 'E' ? { ...item, insertText: `-${c.name}` } : item;
      });
  }
  if (place.call?.name === 'disk' || place.call?.name === 'device')
    return [
      ...namesInReach(source, null, at).map(({ name, type }) =>
        symbol(name, CompletionItemKind.Variable, type, 0),
      ),
      ...located(source, at),
    ];
  return [
    ...located(source, at),
    ...[...QUERIES.values()].map(queryItem),
    ...[...COUNTERS].map((name) =>
      symbol(name, CompletionItemKind.Property, 'counter of /proc/vmstat', 2),
    ),
    snippet('disk', `disk(\${1:fd})[\${2:0}]=$0`, 'a byte on the medium'),
    snippet('device', `device(\${1:mr})[\${2:0}]=$0`, 'a byte of what a device holds'),
  ];
};
