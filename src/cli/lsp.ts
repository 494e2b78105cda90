/** `pinfold lsp`: the language server for editors. */
import type { Command } from '@commander-js/extra-typings';

const EXAMPLES = `
Examples:
  Neovim:  vim.lsp.start({ name = 'pinfold', cmd = { 'pinfold', 'lsp' } })
  Helix:   language-server.pinfold = { command = "pinfold", args = ["lsp"] }
  VS Code: the extension in editors/vscode starts it by itself`;

export const addLsp = (program: Command): void => {
  program
    .command('lsp')
    .summary('serve an editor (language server protocol over standard input and output)')
    .description(
      'A language server for litmus files: errors as you type, completion, hover, definitions, references, rename, ' +
        'outline, formatting. Speaks the language server protocol on standard input and output.',
    )
    .option('--stdio', 'the default; accepted because editors pass it')
    .addHelpText('after', EXAMPLES)
    .action(async () => {
      // Only this command needs it, and it takes longer to load than all the rest.
      const { serve } = await import('../editor/server.ts');
      serve(process.stdin, process.stdout, program.version() ?? '');
    });
};
