/** The tests of a call as one static program, which is also the first program of the booted kernel. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { C_FLAGS, compiler } from '../build.ts';
import { cacheFolder } from './cache.ts';
import { INIT } from './init.ts';
import { KernelProblem } from './problem.ts';

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 24);

/** Runs the compiler; its first error, or null. */
const cc = (command: string, args: readonly string[]): Promise<string | null> =>
  new Promise((resolve) => {
    execFile(command, args, { timeout: 120_000 }, (error, _, stderr) => {
      if (error === null) resolve(null);
      else
        resolve(
          stderr.split('\n').find((l) => /error|cannot find|undefined/.test(l)) ?? error.message,
        );
    });
  });

/** Does `work` on all, a few at a time; results in order. */
export const inParallel = async <T, R>(
  all: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results = new Array<R>(all.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < all.length; i = next++) results[i] = await work(all[i] as T, i);
  };
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, worker));
  return results;
};

export interface Linked {
  /** Path of the static program. */
  readonly program: string;
  /** Entry in its table by index of the source; null: it could not be built, and why. */
  readonly entries: readonly (number | { readonly reason: string })[];
}

/**
 * Compiles each source (objects are kept in the cache by what they were made of) and links them with the init program.
 * Throws KernelProblem when there is no compiler or no static C library.
 */
export const linkPrograms = async (
  sources: readonly string[],
  said: (text: string) => void,
): Promise<Linked> => {
  const command = compiler();
  if (command === null)
    throw new KernelProblem('no C compiler here (cc, gcc or clang; or name one with CC=)');
  const version = spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout;
  const folder = cacheFolder('objects');
  const work = mkdtempSync(join(cacheFolder(), 'build-'));
  try {
    const compile = async (source: string, name: string, main: string | null) => {
      const path = join(folder, `${name}.o`);
      if (existsSync(path)) return path;
      const file = join(work, `${name}.c`);
      writeFileSync(file, source);
      const rename = main === null ? [] : [`-Dmain=${main}`];
      const why = await cc(command, [...C_FLAGS, ...rename, '-c', '-o', `${file}.o`, file]);
      if (why !== null) return { reason: `${command} does not build the program: ${why.trim()}` };
      renameSync(`${file}.o`, path);
      return path;
    };
    let built = 0;
    const symbols = sources.map((s) => `test_${digest(version, C_FLAGS.join(' '), s)}`);
    const objects = await inParallel(sources, availableParallelism(), (source, i) => {
      said(`building ${++built}/${sources.length}`);
      const symbol = symbols[i] ?? '';
      return compile(source, symbol, symbol);
    });
    // The same program for two tests is linked once.
    const table = [...new Set(symbols.filter((_, i) => typeof objects[i] === 'string'))];
    const entries = symbols.map((s, i) => {
      const object = objects[i];
      return typeof object === 'string' ? table.indexOf(s) : (object ?? { reason: 'not built' });
    });
    const main = `${INIT}\n${table.map((s) => `extern program ${s};`).join('\n')}\nprogram *const programs[] = {${[...table, '0'].join(', ')}};\n`;
    const key = digest(version, main);
    const program = join(folder, `init-${key}`);
    if (!existsSync(program)) {
      said('linking');
      const object = await compile(main, `init_${key}`, null);
      if (typeof object !== 'string') throw new KernelProblem(object.reason);
      const files = table.map((s) => join(folder, `${s}.o`));
      const out = join(work, 'init');
      const why = await cc(command, [
        ...['-static', '-s', '-pthread', '-o', out, object, ...files],
        '-lm',
      ]);
      if (why !== null)
        throw new KernelProblem(
          `no static program can be linked here: ${why.trim()} (Debian: apt-get install libc6-dev)`,
        );
      renameSync(out, program);
    }
    return { program, entries };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};
