import { allKernels, isKernel, kernelNames } from './kernels.ts';
import { suggestions } from './suggest.ts';
import { compareVersions, isRelease, isVersion } from './versions.ts';

/** The kernels that a `-k` option names, or what is wrong with it and what to do. */
export type KernelList =
  | { readonly ok: true; readonly kernels: readonly string[] }
  | { readonly ok: false; readonly message: string };

/**
 * Reads the argument of `-k`: names and inclusive ranges with commas between them, `5.4,6.1..6.18`; `all` is every mainline
 * version of the model. The result has each kernel once, in the order in which it was first named. A range gives
 * the versions of the model inside it (`allKernels`); a release that is not among them can still be named alone.
 */
export function parseKernelList(text: string): KernelList {
  const found = new Set<string>();
  for (const part of text.split(',')) {
    const item = part.trim();
    if (item === '')
      return wrong(
        `empty kernel name in '${text}'; write names with commas between them, as in 5.4,6.1..6.18`,
      );
    const several = kernelsOf(item);
    if (!several.ok) return several;
    for (const name of several.kernels) found.add(name);
  }
  return { ok: true, kernels: [...found] };
}

function kernelsOf(item: string): KernelList {
  if (item === 'all') return { ok: true, kernels: allKernels };
  const dots = item.indexOf('..');
  if (dots < 0) return isKernel(item) ? { ok: true, kernels: [item] } : unknown(item);
  const [first, last] = [item.slice(0, dots).trim(), item.slice(dots + 2).trim()];
  for (const end of [first, last]) {
    if (end === '')
      return wrong(
        `range '${item}' lacks an end; write both, as in 6.1..${allKernels.at(-1) ?? ''}`,
      );
    if (!isRelease(end)) {
      return isKernel(end)
        ? wrong(`'${end}' is no mainline version and cannot end a range; name it alone`)
        : unknown(end);
    }
  }
  if (compareVersions(first, last) > 0)
    return wrong(`range '${item}' runs backwards; write ${last}..${first}`);
  const kernels = allKernels.filter(
    (v) => compareVersions(first, v) <= 0 && compareVersions(v, last) <= 0,
  );
  // A short range between two versions of the model holds none of them: its releases all behave as its first.
  return { ok: true, kernels: kernels.length > 0 ? kernels : [first] };
}

function unknown(name: string): KernelList {
  return wrong(unknownKernel(name));
}

function wrong(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}

/** One line that says that there is no kernel `name` and which names are near. */
export function unknownKernel(name: string): string {
  const near = suggestions(name, kernelNames);
  const advice =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : '`pinfold kernels` lists them';
  if (isVersion(name) && near.length === 0)
    return `unknown kernel version '${name}'; the model knows 4.4 to ${allKernels.at(-1) ?? ''}`;
  return `unknown kernel${isVersion(name) ? ' version' : ''} '${name}'; ${advice}`;
}
