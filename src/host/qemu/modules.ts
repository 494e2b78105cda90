/** The few kernel modules that tests need: which ones, in which order they are loaded. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

/** Loop devices, file systems and swap in compressed memory; what a kernel has built in has no file. */
export const WANTED: readonly string[] = [
  ...[
    'crc32c-intel',
    'crc32c_generic',
    'crc32c-cryptoapi',
    'libcrc32c',
    'loop',
    'ext4',
    'lzo-rle',
    'zram',
  ],
  ...['nvme', 'xxhash_generic', 'blake2b_generic', 'sha256_generic', 'xfs', 'btrfs'],
];

export interface Module {
  readonly name: string;
  readonly data: Buffer;
}

/** Names after `depends=` in a module's own description. */
export const dependsOf = (data: Buffer): string[] => {
  const at = data.indexOf('\0depends=');
  if (at < 0) return [];
  const end = data.indexOf(0, at + 1);
  return data
    .toString('latin1', at + '\0depends='.length, end)
    .split(',')
    .filter((n) => n !== '');
};

/** `wanted` and all that they depend on, each after its own; `read` gives null for what is built in. */
export const loadOrder = (
  wanted: readonly string[],
  read: (name: string) => Buffer | null,
): Module[] => {
  const done = new Map<string, Module>();
  const seen = new Set<string>();
  const add = (name: string): void => {
    const key = name.replaceAll('-', '_');
    if (seen.has(key)) return;
    seen.add(key);
    const data = read(key);
    if (data === null) return;
    for (const need of dependsOf(data)) add(need);
    done.set(key, { name: key, data });
  };
  for (const name of wanted) add(name);
  return [...done.values()];
};

const unpacked = (path: string): Buffer | null => {
  const data = readFileSync(path);
  if (path.endsWith('.zst')) return zstdDecompressSync(data);
  if (!path.endsWith('.xz')) return data;
  const done = spawnSync('xz', ['-dc'], { input: data, maxBuffer: 64 * 2 ** 20 });
  return done.status === 0 ? done.stdout : null;
};

/** The wanted modules below a folder, unpacked, in the order of loading. */
export const modulesBelow = (folder: string): Module[] => {
  const files = new Map<string, string>();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const name = /^(.*)\.ko(\.xz|\.zst)?$/.exec(basename(path))?.[1];
    if (name !== undefined) files.set(name.replaceAll('-', '_'), join(folder, path));
  }
  return loadOrder(WANTED, (name) => {
    const path = files.get(name);
    return path === undefined ? null : unpacked(path);
  });
};
