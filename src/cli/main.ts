#!/usr/bin/env node
/** The command line: every command's own file adds it here. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from '@commander-js/extra-typings';
import { messageText } from '../output/messages.ts';
import { addBisect } from './bisect.ts';
import { addCheck } from './check.ts';
import { EXIT, reasonOf, UserError } from './errors.ts';
import { addErrors } from './errors-command.ts';
import { addExplain } from './explain.ts';
import { addFmt } from './fmt.ts';
import { addFuzz } from './fuzz.ts';
import { addGupTest } from './gup-test.ts';
import { addKernels } from './kernels.ts';
import { addLsp } from './lsp.ts';
import { write } from './output.ts';
import { addRun } from './run.ts';

const version = (): string => {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const { version: v } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        version?: string;
      };
      if (v !== undefined) return v;
    } catch {
      // The other place, then.
    }
  }
  return 'unknown';
};

const program: Command = new Command('pinfold')
  .description(
    'Linux page pinning as an executable model: litmus tests explored over every interleaving, at every kernel version.',
  )
  .version(version())
  .configureOutput({
    writeOut: write,
    outputError: (text, out) => out(messageText('C001', text.replace(/^error: /, ''))),
  })
  .showHelpAfterError('(pinfold --help lists the commands; pinfold COMMAND --help has examples)')
  .exitOverride();
addCheck(program);
addBisect(program);
addExplain(program);
addFmt(program);
addKernels(program);
addErrors(program);
addRun(program);
addFuzz(program);
addGupTest(program);
addLsp(program);
for (const command of program.commands) {
  command.exitOverride();
  for (const sub of command.commands) sub.exitOverride();
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else if (error instanceof UserError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.status;
  } else {
    // A fault of ours: no trace for the user, unless asked for.
    process.stderr.write(
      `pinfold: internal error: ${reasonOf(error)}\nPlease report it with the command and the file; PINFOLD_DEBUG=1 shows where.\n`,
    );
    if (process.env['PINFOLD_DEBUG'] === '1' && error instanceof Error)
      process.stderr.write(`${error.stack ?? ''}\n`);
    process.exitCode = EXIT.unfinished;
  }
}
