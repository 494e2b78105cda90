/** Breaks a printed line that is too long inside its widest bracket, as C is written: continued below what opens it. */

/** Columns of a line, as in the kernel's checkpatch. */
const WIDTH = 100;
/** A bracket that opens further right than this leaves too little room behind it. */
const DEEPEST = 60;

interface Group {
  readonly open: number;
  readonly close: number;
  /** Offsets of the blanks at which the line may be broken. */
  readonly blanks: readonly number[];
}

/** The outermost brackets of the line, with the blanks directly inside them that follow an operator or comma. */
const groupsOf = (line: string): Group[] => {
  const groups: Group[] = [];
  let blanks: number[] = [];
  let open = 0;
  let depth = 0;
  for (let i = 0; i < line.length; i++) {
    const c = line[i] ?? '';
    if (c === '"') {
      const close = line.indexOf('"', i + 1);
      i = close < 0 ? line.length : close;
    } else if (c === '(' || c === '[') {
      if (depth++ === 0) {
        open = i;
        blanks = [];
      }
    } else if (c === ')' || c === ']') {
      if (--depth === 0) groups.push({ open, close: i, blanks });
    } else if (c === ' ' && depth === 1 && /(?:[,;|]|&&|\/\\|\\\/)$/.test(line.slice(0, i)))
      blanks.push(i);
  }
  return groups;
};

/** The line itself if it fits or cannot be broken, else its parts: each as long as fits. */
export const wrapLine = (line: string): string[] => {
  if (line.length <= WIDTH) return [line];
  const widest = groupsOf(line)
    .filter((g) => g.blanks.length > 0)
    .reduce<Group | null>(
      (best, g) => (best === null || g.close - g.open > best.close - best.open ? g : best),
      null,
    );
  if (widest === null) return [line];
  const indent = /^ */.exec(line)?.[0].length ?? 0;
  const below = ' '.repeat(widest.open <= DEEPEST ? widest.open + 1 : indent + 4);
  const lines: string[] = [];
  let lead = '';
  let rest = line;
  let cuts = widest.blanks;
  for (;;) {
    const fitting = cuts.filter((cut) => lead.length + cut <= WIDTH);
    const comma = fitting.filter((cut) => /[,;]/.test(rest[cut - 1] ?? ''));
    const cut = comma.at(-1) ?? fitting.at(-1) ?? cuts[0];
    if (lead.length + rest.length <= WIDTH || cut === undefined) return [...lines, lead + rest];
    lines.push(lead + rest.slice(0, cut));
    rest = rest.slice(cut + 1);
    cuts = cuts.filter((c) => c > cut).map((c) => c - cut - 1);
    lead = below;
  }
};
