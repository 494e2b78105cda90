import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the command line as `pinfold ARGS` does, with neither standard output nor standard error a terminal. */
export const pinfold = (args: readonly string[], options: RunOptions = {}): Ran => {
  const { NO_COLOR: _, FORCE_COLOR: __, COLUMNS: ___, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', `${ROOT}src/cli/main.ts`, ...args],
    {
      cwd: options.cwd ?? FIXTURES,
      // Most of a run is reading the sources: once is enough.
      env: { ...env, NODE_COMPILE_CACHE: `${ROOT}.cache/compile`, ...options.env },
      input: options.input ?? '',
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    },
  );
  return { status, stdout, stderr };
};

/** Without what differs from run to run (times) or as the search gets better (states and steps explored). */
export const timeless = (text: string): string =>
  text
    .replace(/^(Time \S+) \d+\.\d+$/gm, '$1 0.00')
    .replace(/"(states|steps|searches|milliseconds)": \d+/g, '"$1": 0');
