/** Reads the docstrings of a source file's functions. */

export interface FunctionDoc {
  readonly name: string;
  /** Function of the kernel that the docstring begins with, without brackets; null: none. */
  readonly kernel: string | null;
  /** First sentence, without that name. */
  readonly what: string;
  /** Rules of semantics.md that the docstring mentions, each once. */
  readonly rules: readonly string[];
  readonly file: string;
  readonly line: number;
}

const FUNCTION = /(?:\/\*\*((?:[^*]|\*(?!\/))*)\*\/\n)?(?:export )?function\*? (\w+)/g;
const RULE = /\b(?:[A-C]\.\d+(?:\.\d+)*[a-z]?|S\d+)\b/g;
/** `gup_fast(), lockless_pages_from_mm() (4.4): `, and versions or words between name and colon. */
const NAMES = /^\w+(?:\/\w+)?\(\)(?:[^.:]|\.(?=\d))*: /;
const NAME_FIRST = /^([a-z_]\w*)(?:\/\w+)?\(\)/;

/** Every function of `text`, in order; those without a docstring too. */
export function functionDocs(text: string, file: string): FunctionDoc[] {
  const found: FunctionDoc[] = [];
  for (const match of text.matchAll(FUNCTION)) {
    const [whole, comment, name] = match;
    if (name === undefined) continue;
    const doc = (comment ?? '')
      .replace(/^ *\* ?/gm, '')
      .replace(/\s+/g, ' ')
      .trim();
    const kernel = NAME_FIRST.exec(doc)?.[1] ?? null;
    const rest = kernel === null ? doc : doc.replace(NAMES, '');
    found.push({
      name,
      kernel,
      what: firstSentence(rest),
      rules: [...new Set(doc.match(RULE) ?? [])],
      file,
      line: text.slice(0, match.index + whole.length).split('\n').length,
    });
  }
  return found;
}

/** Up to the first full stop that ends a sentence (not that of `5.9` or `A.14`). */
function firstSentence(text: string): string {
  const end = /\.(?= |$)/.exec(text);
  return end === null ? text : text.slice(0, end.index);
}
