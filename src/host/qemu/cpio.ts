/** Archives that the kernel unpacks as its first file system: cpio in the `newc` form. */

export interface Entry {
  /** Path without a slash in front. */
  readonly path: string;
  /** null: a folder. */
  readonly data: Buffer | null;
}

const FOLDER = 0o040755;
const PROGRAM = 0o100755;

const padded = (length: number): number => (length + 3) & ~3;

const record = (inode: number, mode: number, path: string, data: Buffer): Buffer => {
  const name = Buffer.from(`${path}\0`);
  // Inode, mode, user, group, links, time, size, four device numbers, length of the name, sum.
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const head = `070701${fields.map((f) => f.toString(16).padStart(8, '0')).join('')}`;
  const start = padded(head.length + name.length);
  const whole = Buffer.alloc(start + padded(data.length));
  whole.write(head, 'latin1');
  name.copy(whole, head.length);
  data.copy(whole, start);
  return whole;
};

/** Entries in the order given: a folder must stand before what is in it. The same entries give the same bytes. */
export const cpio = (entries: readonly Entry[]): Buffer =>
  Buffer.concat([
    ...entries.map((e, i) =>
      record(i + 1, e.data === null ? FOLDER : PROGRAM, e.path, e.data ?? Buffer.alloc(0)),
    ),
    record(0, 0, 'TRAILER!!!', Buffer.alloc(0)),
  ]);

/** Bytes in a row that are worth leaving out. */
const BLOCK = 4096;

/**
 * A file of mostly zeros without them: its length, then for each block that holds something its number and its bytes;
 * numbers are 64 bits, little-endian. The init program (init.ts) makes the file again.
 */
export const sparse = (data: Buffer): Buffer => {
  const number = (n: number): Buffer => {
    const b = Buffer.alloc(8);
    b.writeBigUInt64LE(BigInt(n));
    return b;
  };
  const parts = [number(data.length)];
  const zeros = Buffer.alloc(BLOCK);
  for (let at = 0; at < data.length; at += BLOCK) {
    const block = data.subarray(at, at + BLOCK);
    if (block.equals(zeros.subarray(0, block.length))) continue;
    parts.push(number(at / BLOCK), Buffer.concat([block, zeros.subarray(block.length)]));
  }
  return Buffer.concat(parts);
};
