/**
 * Builds dist/ (what `npm pack` ships). With `--check` it also asks publint whether every kind of
 * importer will find what package.json promises, and loads the built entry once.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});

if (process.argv.includes('--check')) {
  const { messages, pkg } = await publint({ pkgDir: root, strict: true, pack: 'npm' });
  for (const message of messages) console.log(formatMessage(message, pkg));
  await import(pathToFileURL(join(root, 'dist', 'src', 'index.js')).href);
  process.exitCode = messages.length === 0 ? 0 : 1;
}
