/** `pinfold kernels fetch` and `fetched`: Debian's kernels for `pinfold run --kernel`. */
import type { Command } from '@commander-js/extra-typings';
import { KernelProblem } from '../host/qemu/problem.ts';
import { type Fetched, fetchedKernels, fetchKernel } from '../host/qemu/store.ts';
import { messageText } from '../output/messages.ts';
import { EXIT, UserError, userError } from './errors.ts';
import { print } from './output.ts';
import { Progress } from './progress.ts';

const EXAMPLES = `
Examples:
  pinfold kernels fetch 5.10 6.1 6.12   the newest of each that Debian has
  pinfold run --kernel 6.1 library      the tests on one of them

Kernels are kept in ~/.cache/pinfold/kernels (or below $XDG_CACHE_HOME); the mirror is the one of this machine's apt.
Nothing of the machine is changed. A call that was stopped goes on where it was.

Exit status: 0 all are there; 2 bad usage; 3 one could not be fetched.`;

/** Adds both below `pinfold kernels`. */
export const addFetch = (kernels: Command<[], { json?: true }>): void => {
  kernels
    .command('fetch')
    .summary("fetch Debian's kernels, to run tests on them")
    .description(
      "Downloads Debian's kernels for `pinfold run --kernel`: the newest of each version that is named.",
    )
    .argument('<VERSION...>', '6.1 for the newest 6.1.y, or 6.1.192')
    .addHelpText('after', EXAMPLES)
    .action(async (versions) => {
      for (const version of versions)
        if (!/^\d+\.\d+(\.\d+)?$/.test(version))
          throw userError('C010', `'${version}' is no kernel version; write 6.1 or 6.1.192`);
      const problems = await fetchAll(versions);
      if (problems.length > 0) throw new UserError(problems.join('\n'), EXIT.unfinished);
    });
  kernels
    .command('fetched')
    .description('the kernels that were fetched')
    .action(() => {
      const all = fetchedKernels();
      if (all.length === 0) print('No kernel was fetched yet: pinfold kernels fetch 6.1');
      for (const k of all) print(line(k));
    });
};

/** One that cannot be had does not keep the others away. */
const fetchAll = async (versions: readonly string[]): Promise<string[]> => {
  const problems: string[] = [];
  const progress = new Progress();
  for (const version of versions)
    try {
      const { kernel, fresh } = await fetchKernel(version, (text) => progress.update(text));
      progress.done();
      print(`${line(kernel)}${fresh ? '' : '  (here already)'}`);
    } catch (error) {
      progress.done();
      if (!(error instanceof KernelProblem)) throw error;
      problems.push(messageText('C041', error.message));
    }
  return problems;
};

const line = (k: Fetched): string =>
  `${k.version.padEnd(9)}  ${k.release.padEnd(32)}  ${k.suite.padEnd(18)}  ${(k.bytes / 2 ** 20).toFixed(0).padStart(3)} MiB  ${k.modules.length} modules`;
