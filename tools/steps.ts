/**
 * Makes gen/steps.ts: what a step is called in a trace. Every function of the model says in its docstring which
 * function of the kernel it is (`try_grab_folio(): takes ...`) and which rules it follows; the table has just that.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FunctionDoc, functionDocs } from './steps/docstrings.ts';

const root = join(import.meta.dirname, '..');
const FOLDERS = ['machine', 'mm', 'fs', 'drivers', 'litmus/run'];

const docs = new Map<string, FunctionDoc[]>();
for (const folder of FOLDERS) {
  const path = join(root, 'src', folder);
  for (const name of readdirSync(path).sort()) {
    if (!name.endsWith('.ts') || /\.(shared|direct|resumable)\.ts$/.test(name)) continue;
    for (const doc of functionDocs(readFileSync(join(path, name), 'utf8'), `src/${folder}/${name}`))
      docs.set(doc.name, [...(docs.get(doc.name) ?? []), doc]);
  }
}

const lines = [...docs]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, list]) => {
    // A trace knows only the name: of several functions, the one with most to say.
    const best = [...list].sort((a, b) => weight(b) - weight(a))[0] as FunctionDoc;
    const { kernel, what, rules, file, line } = best;
    return `  ${name}: ${JSON.stringify({ kernel, what, rules, file, line })},`;
  });

function weight(doc: FunctionDoc): number {
  return (doc.kernel === null ? 0 : 4) + (doc.rules.length > 0 ? 2 : 0) + (doc.what === '' ? 0 : 1);
}

mkdirSync(join(root, 'gen'), { recursive: true });
writeFileSync(
  join(root, 'gen', 'steps.ts'),
  `/** Made by tools/steps.ts from the docstrings of the model. */
export interface StepDoc {
  /** Function of the kernel, without brackets; null: it stands for none. */
  readonly kernel: string | null;
  /** First sentence of the docstring. */
  readonly what: string;
  /** Rules of semantics.md that it mentions. */
  readonly rules: readonly string[];
  readonly file: string;
  readonly line: number;
}

/** By name of the function in the source. */
export const STEPS: Readonly<Record<string, StepDoc>> = {
${lines.join('\n')}
};
`,
);
