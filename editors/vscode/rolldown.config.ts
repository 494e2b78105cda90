/** One file that VS Code loads; only its own API stays outside. */
import { defineConfig } from 'rolldown';

export default defineConfig({
  input: 'src/extension.ts',
  platform: 'node',
  external: ['vscode'],
  output: { file: 'dist/extension.cjs', format: 'cjs', minify: true },
});
