/** Where kernels, apt's lists and compiled tests are kept from run to run. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `$XDG_CACHE_HOME/pinfold/...` or `~/.cache/pinfold/...`, made when it is not there. */
export const cacheFolder = (...parts: readonly string[]): string => {
  const base = process.env['XDG_CACHE_HOME'] ?? '';
  const folder = join(base.startsWith('/') ? base : join(homedir(), '.cache'), 'pinfold', ...parts);
  mkdirSync(folder, { recursive: true });
  return folder;
};
