import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

test('docs/dependencies.md gives a reason and an alternative for each package, at its version', () => {
  const all = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  const told = [
    ...read('docs/dependencies.md').matchAll(/^\| `(.+?)` \| (.+?) \| (.+?) \| (.+?) \|$/gm),
  ];
  const extension = JSON.parse(read('editors/vscode/package.json')) as typeof all;
  expect(Object.fromEntries(told.map((m) => [m[1], m[2]]))).toEqual({
    ...all.dependencies,
    ...all.devDependencies,
    ...extension.dependencies,
    ...extension.devDependencies,
  });
});

test('versions are exact', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  for (const version of Object.values({ ...dependencies, ...devDependencies }))
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});
