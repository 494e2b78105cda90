/** Reading the set's file names, writing what changed, removing what is no longer made. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Layout } from './modules.ts';

/** Every .ts file of the set, as paths below `layout.root`; the runtime is not one of them. */
export function sourceFiles(layout: Layout): string[] {
  const files: string[] = [];
  for (const folder of layout.folders) {
    const path = join(layout.root, folder);
    if (!existsSync(path)) continue;
    for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.ts') && join(path, name) !== layout.runtime)
        files.push(`${folder}/${name}`);
    }
  }
  return files.sort();
}

/** Makes folder `out` hold exactly `files` (path below it to text). Returns how many files changed. */
export function syncFolder(out: string, files: ReadonlyMap<string, string>): number {
  let changed = 0;
  if (existsSync(out)) {
    for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || files.has(name)) continue;
      rmSync(join(out, name));
      changed++;
    }
  }
  for (const [name, text] of files) {
    const path = join(out, name);
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    changed++;
  }
  return changed;
}
