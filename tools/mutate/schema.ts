/**
 * All mutants of the source in one program: a mutated function has a copy for each of its mutants, and goes to the copy
 * of the chosen one. So the program is rewritten, loaded and compiled once, and a mutant costs no more than the tests it
 * is shown to. The unchanged functions say which mutants' places a run came to.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import MagicString from 'magic-string';
import { syncFolder } from '../rewrite/files.ts';
import type { Layout } from '../rewrite/modules.ts';
import { rewrite } from '../rewrite/rewrite.ts';
import { PROJECT } from './library.ts';
import type { MutatedFile, SourceMutant } from './source-mutants.ts';

/** The module that the mutated files and the worker share; below the copy's src/. */
export const SWITCH = 'mutant.ts';

const SWITCH_TEXT = `
/** [0]: number of the chosen mutant, 0 for none; [1]: number of a mutant of the same function, the first. */
export const chosen = new Int32Array(2);
/** By number of a mutant: 1 when a run came to its place. */
export const seen = new Uint8Array(16384);
export const entered = (first: number): number => (chosen[1] === first ? (chosen[0] as number) : 0);
export const reached = (number: number): void => {
  seen[number] = 1;
};
`;

const copyName = (m: SourceMutant): string => `${m.routine.id?.name}_m${m.number}`;

/** The mutated function as a text of its own. */
export const copyText = (m: SourceMutant, text: string): string => {
  const { routine, edit } = m;
  const name = routine.id;
  if (name === null) throw new TypeError('a function without a name');
  return (
    text.slice(routine.start, name.start) +
    copyName(m) +
    text.slice(name.end, edit.start) +
    edit.text +
    text.slice(edit.end, routine.end)
  );
};

/** The file with all of `mutants` (of this file) in it. */
export const schemaText = (text: string, mutants: readonly SourceMutant[]): string => {
  const out = new MagicString(text);
  const first = new Map<SourceMutant['routine'], number>();
  for (const m of mutants) {
    const { at } = m.edit;
    out.appendRight(at.start, `${at.alone ? '{ ' : ''}reached(${m.number}); `);
    if (at.alone) out.appendLeft(at.end, ' }');
    if (!first.has(m.routine)) first.set(m.routine, m.number);
  }
  for (const [routine, number] of first) {
    const { body, generator, params, returnType } = routine;
    if (body === null) continue;
    const args = params.map((p) => (p.type === 'Identifier' ? p.name : '')).join(', ');
    const result = returnType === null ? '' : text.slice(returnType?.start, returnType?.end);
    const nothing = /\bvoid\b/.test(result);
    const goes = mutants
      .filter((m) => m.routine === routine)
      .map((m) => {
        const call = `${generator ? 'yield* ' : ''}${copyName(m)}(${args})`;
        const leave = nothing ? `{ ${call}; return; }` : `return ${call};`;
        return `if (chosenMutant === ${m.number}) ${leave}`;
      });
    out.appendLeft(
      body.start + 1,
      ` const chosenMutant = entered(${number}); if (chosenMutant !== 0) { ${goes.join(' ')} } `,
    );
  }
  const copies = mutants.map((m) => copyText(m, text));
  return `import { entered, reached } from '../${SWITCH}';\n${out.toString()}\n${copies.join('\n\n')}\n`;
};

/** The number of the first mutant of the function of each mutant. */
export const firstOf = (mutants: readonly SourceMutant[]): Map<number, number> => {
  const first = new Map<SourceMutant['routine'], number>();
  const found = new Map<number, number>();
  for (const m of mutants) {
    const number = first.get(m.routine) ?? m.number;
    first.set(m.routine, number);
    found.set(m.number, number);
  }
  return found;
};

/**
 * Makes a copy of the project below `tree` with all mutants in it. Gives those that are no program of the accepted subset
 * (they are left out). Throws when the source is refused without any.
 */
export const buildSchema = (tree: string, files: readonly MutatedFile[]): Set<SourceMutant> => {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  for (const name of ['src', 'gen', 'package.json'])
    cpSync(join(PROJECT, name), join(tree, name), { recursive: true });
  writeFileSync(join(tree, 'src', SWITCH), SWITCH_TEXT);
  const layout: Layout = {
    root: join(tree, 'src'),
    folders: ['machine', 'mm', 'fs', 'drivers', 'litmus/run'],
    out: join(tree, 'gen'),
    runtime: join(tree, 'src/machine/resumable.ts'),
    tables: ['regions'],
    shown: 'src/',
  };
  const refused = new Set<SourceMutant>();
  for (;;) {
    const texts = new Map<string, string>();
    for (const { file, text, mutants } of files) {
      const made = schemaText(
        text,
        mutants.filter((m) => !refused.has(m)),
      );
      texts.set(file, made);
      writeFileSync(join(tree, 'src', file), made);
    }
    const { files: forms, refusals } = rewrite(layout, ['resumable']);
    if (refusals.length === 0) {
      for (const [form, made] of forms) syncFolder(join(layout.out, form), made);
      return refused;
    }
    const before = refused.size;
    for (const refusal of refusals) {
      const file = refusal.file.replace(/^src\//, '');
      const above = (texts.get(file) ?? '').split('\n').slice(0, refusal.line);
      const copy = above.findLast((line) => /^(export )?function/.test(line)) ?? '';
      const number = Number(/_m(\d+)\(/.exec(copy)?.[1] ?? 0);
      const mutant = files.flatMap((f) => f.mutants).find((m) => m.number === number);
      if (mutant === undefined) throw refusal;
      refused.add(mutant);
    }
    if (refused.size === before) throw refusals[0];
  }
};
