/** Paths of generated files. */
import { dirname, join, relative, sep } from 'node:path';
import type { Modules } from './modules.ts';

/** Specifier of `path` in the file that is generated at `<out>/<form>/<key>`. */
export function specifierFor(modules: Modules, key: string, path: string): string {
  const from = dirname(join(modules.layout.out, modules.form, key));
  const to = relative(from, path).split(sep).join('/');
  return to.startsWith('.') ? to : `./${to}`;
}
