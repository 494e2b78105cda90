/** Who may import whom (docs/architecture in ../shared: arrows point down only). */
const layers = [
  'machine',
  'mm',
  'fs',
  'drivers',
  'litmus',
  'explore',
  'output',
  'host',
  'editor',
  'cli',
];

/** What each folder of src/ may import besides itself and node's own modules. */
const may = {
  machine: [],
  kernels: [],
  mm: ['machine', 'kernels'],
  fs: ['mm', 'machine', 'kernels'],
  drivers: ['fs', 'mm', 'machine', 'kernels'],
  litmus: ['drivers', 'fs', 'mm', 'machine', 'kernels'],
  explore: ['litmus', 'drivers', 'fs', 'mm', 'machine', 'kernels'],
  host: ['litmus', 'kernels'],
  editor: ['litmus', 'kernels'],
  output: ['explore', 'litmus', 'kernels'],
  cli: [...layers, 'kernels'],
};

export default {
  forbidden: [
    // mm is one web of functions that call each other, as in the kernel; everything else is layered inside too.
    {
      name: 'no-cycle',
      severity: 'error',
      from: { pathNot: '^(src|gen/[a-z]+)/mm/' },
      to: {
        circular: true,
        dependencyTypesNot: ['type-only'],
        viaOnly: { dependencyTypesNot: ['type-only'] },
      },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'src-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|tools|bench)/' },
    },
    ...Object.entries(may).map(([folder, allowed]) => ({
      name: `${folder}-down-only`,
      severity: 'error',
      from: { path: `^(src|gen/[a-z]+)/${folder}/` },
      to: {
        path: '^(src|gen/[a-z]+)/[a-z]+/',
        pathNot: `^(src|gen/[a-z]+)/(${[folder, ...allowed].join('|')})/`,
      },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
