/** The system's C compiler. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Flags that the emitted programs are built with. */
export const C_FLAGS: readonly string[] = [
  '-O1',
  '-std=c11',
  '-D_GNU_SOURCE',
  '-fno-strict-aliasing',
  '-fwrapv',
  '-pthread',
];

export type Built =
  | { readonly ok: true; readonly program: string }
  | { readonly ok: false; readonly reason: string };

let known: string | null | undefined;

/** `$CC`, cc, gcc or clang, whichever answers first; null: there is none. */
export const compiler = (): string | null => {
  if (known !== undefined) return known;
  const candidates = [process.env['CC'], 'cc', 'gcc', 'clang'].filter(
    (c): c is string => c !== undefined && c !== '',
  );
  known =
    candidates.find((c) => spawnSync(c, ['--version'], { stdio: 'ignore' }).status === 0) ?? null;
  return known;
};

/** Builds `source` in `folder`. */
export const build = (source: string, folder: string, extra: readonly string[] = []): Built => {
  const cc = compiler();
  if (cc === null)
    return { ok: false, reason: 'no C compiler here (cc, gcc or clang; or name one with CC=)' };
  const file = join(folder, 'test.c');
  const program = join(folder, 'test');
  writeFileSync(file, source);
  const done = spawnSync(cc, [...C_FLAGS, ...extra, '-o', program, file], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (done.status === 0) return { ok: true, program };
  const first =
    (done.stderr ?? '').split('\n').find((l) => l.includes('error')) ??
    done.error?.message ??
    (done.stderr.trim() || `it ended by ${done.signal ?? `status ${done.status}`}`);
  return { ok: false, reason: `${cc} does not build the program: ${first.trim()}` };
};
