/**
 * The benchmarks: `node bench/main.ts [NAME...]`, all of them without a name. They print what they
 * measured and whether a stated goal was reached; only an error changes the exit status.
 */
const BENCHMARKS: Readonly<
  Record<string, { readonly about: string; readonly run: () => Promise<unknown> }>
> = {
  pin: {
    about: 'one page pinned and released: plain and shared memory, a C program, this kernel',
    run: async () => (await import('./pin.ts')).pin(),
  },
  folio: {
    about: '2 MiB folios: count updates and time by folio, not by page',
    run: async () => (await import('./folio.ts')).folio(),
  },
  ranges: {
    about: 'outputs of a pinning call in bytes, and calls that are repeated for a small buffer',
    run: async () => (await import('./ranges.ts')).ranges(),
  },
  memmap: {
    about: 'page structures of device memory',
    run: async () => (await import('./memmap.ts')).memmap(),
  },
  memory: {
    about: 'what a described and a touched machine take',
    run: async () => (await import('./memory.ts')).memory(),
  },
  steps: {
    about: 'one step in each form of the same source',
    run: () => import('./steps.ts'),
  },
  explore: {
    about: 'states a second of the search on tests of the library',
    run: async () => (await import('./explore.ts')).explore(),
  },
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown !== undefined) {
  console.error(`there is no benchmark "${unknown}"; there are:`);
  for (const [name, { about }] of Object.entries(BENCHMARKS))
    console.error(`  ${name.padEnd(8)} ${about}`);
  process.exitCode = 2;
} else {
  for (const name of asked.length === 0 ? Object.keys(BENCHMARKS) : asked) {
    await BENCHMARKS[name]?.run();
    console.log('');
  }
}
