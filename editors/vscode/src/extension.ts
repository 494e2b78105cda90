/** Starts `pinfold lsp` and leaves the rest to it. */
import { type ExtensionContext, window, workspace } from 'vscode';
import { LanguageClient } from 'vscode-languageclient/node';

let client: LanguageClient | undefined;

const start = async (): Promise<void> => {
  const command = workspace.getConfiguration('pinfold').get('command', 'pinfold');
  client = new LanguageClient(
    'pinfold',
    'Pinfold',
    { command, args: ['lsp'] },
    { documentSelector: [{ language: 'pinfold-litmus' }] },
  );
  try {
    await client.start();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    void window.showErrorMessage(
      `Pinfold: \`${command} lsp\` does not start (${why}). Set "pinfold.command" to the program's path.`,
    );
  }
};

export const activate = async (context: ExtensionContext): Promise<void> => {
  context.subscriptions.push(
    workspace.onDidChangeConfiguration(async (change) => {
      if (!change.affectsConfiguration('pinfold.command')) return;
      await deactivate();
      await start();
    }),
  );
  await start();
};

export const deactivate = async (): Promise<void> => {
  const running = client;
  client = undefined;
  if (running?.isRunning() === true) await running.stop();
};
