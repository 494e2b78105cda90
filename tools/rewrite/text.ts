/** Source text of a node, with some of the nodes inside written differently. */
import { children, type Node, type Source, slice } from './ast.ts';

/** Gives the text of nodes that change, undefined for those that stay. */
export type Rule = (node: Node, parent: Node | null) => string | undefined;

/** Text of `node`: by `rule` where that says something, else the source's with its children's text in place. */
export function textOf(source: Source, node: Node, rule: Rule, parent: Node | null = null): string {
  return rule(node, parent) ?? textAround(source, node, rule);
}

/** As `textOf`, but `node` itself is kept and only what is inside changes. */
function textAround(source: Source, node: Node, rule: Rule): string {
  const inner = children(node);
  if (inner.length === 0) return slice(source, node);
  let text = '';
  let at = node.start;
  for (const child of inner) {
    text += source.text.slice(at, child.start) + textOf(source, child, rule, node);
    at = child.end;
  }
  return text + source.text.slice(at, node.end);
}
