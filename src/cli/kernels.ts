/** `pinfold kernels`: the versions, their rules and commits. */
import type { Command } from '@commander-js/extra-typings';
import { parseKernelList } from '../kernels/index.ts';
import {
  diffJson,
  diffText,
  kernelJson,
  kernelsJson,
  kernelsText,
  kernelText,
} from '../output/kernels.ts';
import { userError } from './errors.ts';
import { addFetch } from './kernels-fetch.ts';
import { print } from './output.ts';

const EXAMPLES = `
Examples:
  pinfold kernels                  the versions, and what changed in each
  pinfold kernels show 6.1         every rule's value at 6.1
  pinfold kernels diff 5.8 5.19    what changed from 5.8 to 5.19, with commits`;

/** One kernel's name, checked. */
const kernel = (name: string): string => {
  const parsed = parseKernelList(name);
  if (!parsed.ok) throw userError('C010', parsed.message);
  const [only, ...more] = parsed.kernels;
  if (only === undefined || more.length > 0)
    throw userError('C011', `'${name}' names several kernels; name one`);
  return only;
};

export const addKernels = (program: Command): void => {
  const kernels = program
    .command('kernels')
    .summary('the kernel versions, their rules and commits')
    .description(
      'Lists the kernel versions of the model, what changed in each, profiles of stable kernels and design variants.',
    )
    .option('--json', 'print one JSON document (schema pinfold.kernels/1)')
    .addHelpText('after', EXAMPLES)
    .action((options) => show(options.json, kernelsText, kernelsJson));
  kernels
    .command('show')
    .description("every rule's value at one kernel")
    .argument('<kernel>', 'a version or a profile')
    .action((name) => {
      const one = kernel(name);
      show(
        kernels.opts().json,
        () => kernelText(one),
        () => kernelJson(one),
      );
    });
  kernels
    .command('diff')
    .description('what changed between two kernels, with commits')
    .argument('<from>', 'a version or a profile')
    .argument('<to>', 'a version or a profile')
    .action((a, b) => {
      const [from, to] = [kernel(a), kernel(b)];
      show(
        kernels.opts().json,
        () => diffText(from, to),
        () => diffJson(from, to),
      );
    });
  addFetch(kernels);
};

const show = (json: true | undefined, text: () => string, object: () => unknown): void => {
  print(json === true ? JSON.stringify(object(), null, 2) : text().trimEnd());
};
