/**
 * Makes gen/<form>/ from the rewritten set: `node tools/rewrite/main.ts [direct|shared|resumable ...]`.
 * With `--check` nothing is written: only the source is judged. Exit code 2 when it is refused.
 */
import { join, resolve } from 'node:path';
import { syncFolder } from './files.ts';
import { FORMS, type Form, type Layout } from './modules.ts';
import { rewrite } from './rewrite.ts';

const project = resolve(import.meta.dirname, '../..');

const layout: Layout = {
  root: join(project, 'src'),
  folders: ['machine', 'mm', 'fs', 'drivers', 'litmus/run'],
  out: join(project, 'gen'),
  runtime: join(project, 'src/machine/resumable.ts'),
  tables: ['regions'],
  shown: 'src/',
};

function isForm(word: string): word is Form {
  return (FORMS as readonly string[]).includes(word);
}

function main(words: readonly string[]): number {
  const check = words.includes('--check');
  const asked = words.filter((w) => w !== '--check');
  const unknown = asked.find((w) => !isForm(w));
  if (unknown !== undefined) {
    console.error(`unknown form "${unknown}"; one of: ${FORMS.join(', ')}`);
    return 2;
  }
  const forms = asked.length === 0 ? FORMS : asked.filter(isForm);
  const { files, refusals } = rewrite(layout, forms);
  for (const refusal of refusals) console.error(refusal.message);
  if (!check) {
    for (const [form, made] of files) {
      const changed = syncFolder(join(layout.out, form), made);
      console.log(`gen/${form}: ${made.size} files, ${changed} changed`);
    }
  }
  return refusals.length === 0 ? 0 : 2;
}

process.exitCode = main(process.argv.slice(2));
