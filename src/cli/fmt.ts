/** `pinfold fmt`: litmus files in canonical form. */
import { writeFileSync } from 'node:fs';
import type { Command } from '@commander-js/extra-typings';
import { format } from '../litmus/format.ts';
import { renderDiagnostics } from '../litmus/render.ts';
import { messageText } from '../output/messages.ts';
import { EXIT, reasonOf, UserError, userError } from './errors.ts';
import { litmusFiles, readText, STDIN, shownPath } from './litmus-files.ts';
import { print, write } from './output.ts';

const EXAMPLES = `
Examples:
  pinfold fmt tests/                  format every .litmus file of a folder, in place
  pinfold fmt --check tests/ a.litmus list the files that would change; exit status 1 if there are some
  pinfold fmt --stdin <a.litmus       format standard input to standard output

Exit status: 0 done, or nothing to do; 1 with --check, some file would change; 2 a file has errors (it is left as
it is), or bad usage.`;

export const addFmt = (program: Command): void => {
  program
    .command('fmt')
    .summary('format litmus files')
    .description(
      'Writes litmus files in canonical form: two blanks of indentation, lines of at most 100 columns, one empty line ' +
        'between the parts; comments and empty lines between statements stay. A file with errors is not touched.',
    )
    .argument('[PATH...]', 'litmus files, or folders that hold some')
    .option('--check', 'change nothing; list the files that would change')
    .option('--stdin', 'read standard input, write to standard output')
    .addHelpText('after', EXAMPLES)
    .action((paths, options) => {
      const check = options.check === true;
      if ((options.stdin === true) === paths.length > 0)
        throw userError(
          options.stdin === true ? 'C004' : 'C006',
          'name files or folders, or --stdin, and not both',
        );
      if (paths.includes('-')) throw userError('C004', '-: write --stdin to format standard input');
      process.exitCode = options.stdin === true ? formatInput(check) : formatFiles(paths, check);
    });
};

const formatInput = (check: boolean): number => {
  const text = readText(STDIN);
  const formatted = format(text, '<stdin>');
  if (!formatted.ok)
    throw new UserError(renderDiagnostics(formatted.diagnostics, text), EXIT.usage);
  if (!check) {
    write(formatted.text);
    return EXIT.ok;
  }
  if (formatted.text === text) return EXIT.ok;
  print('<stdin>');
  return EXIT.differs;
};

/** Formats the good files first, then complains about the others. */
const formatFiles = (paths: readonly string[], check: boolean): number => {
  const problems: string[] = [];
  const changed: string[] = [];
  for (const file of litmusFiles(paths)) {
    const shown = shownPath(file);
    try {
      const text = readText(file);
      const formatted = format(text, shown);
      if (!formatted.ok) problems.push(renderDiagnostics(formatted.diagnostics, text));
      else if (formatted.text !== text) {
        if (!check) writeFileSync(file, formatted.text);
        changed.push(shown);
      }
    } catch (error) {
      problems.push(
        error instanceof UserError
          ? error.message
          : messageText('C026', `cannot be written (${reasonOf(error)})`, shown),
      );
    }
  }
  if (changed.length > 0) print(changed.join('\n'));
  if (problems.length > 0) throw new UserError(problems.join('\n\n'), EXIT.usage);
  return check && changed.length > 0 ? EXIT.differs : EXIT.ok;
};
