/**
 * A search on disk, so that one that was killed goes on where it stood: the arrays and numbers that it is made of, in the
 * order in which it wrote them. Nothing in the file names what they are; it is read by the build that wrote it, or not at all.
 *
 *   "PINFOLD1"                      8 bytes
 *   entries                         kind (0 words, 1 bytes, 2 text), length in bytes, the bytes, filled up to 4
 *   kind 3                          the end: a file without it was cut off
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writevSync,
} from 'node:fs';
import { dirname } from 'node:path';

const MAGIC = 'PINFOLD1';
const KIND = { words: 0, bytes: 1, text: 2, end: 3 } as const;

export class CheckpointWriter {
  readonly #parts: Uint8Array[] = [new TextEncoder().encode(MAGIC)];

  /** The first `used` words. They are not copied: nothing may change until `writeTo`. */
  words(array: Int32Array, used = array.length): void {
    this.#entry(KIND.words, new Uint8Array(array.buffer, array.byteOffset, used * 4));
  }

  bytes(array: Uint8Array): void {
    this.#entry(KIND.bytes, array);
  }

  /** Small whole numbers. */
  numbers(...numbers: number[]): void {
    this.words(Int32Array.from(numbers));
  }

  text(text: string): void {
    this.#entry(KIND.text, new TextEncoder().encode(text));
  }

  /** Replaces `path` as a whole: a kill in between leaves the old file. Throws what the file system says. */
  writeTo(path: string): void {
    this.#entry(KIND.end, new Uint8Array(0));
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(`${path}.new`, 'w');
    try {
      for (const part of this.#parts)
        for (let at = 0; at < part.length; )
          at += writevSync(file, [part.subarray(at, at + (1 << 30))]);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
  }

  #entry(kind: number, data: Uint8Array): void {
    this.#parts.push(new Uint8Array(Int32Array.of(kind, data.length).buffer), data);
    const odd = data.length % 4;
    if (odd !== 0) this.#parts.push(new Uint8Array(4 - odd));
  }
}

/** Gives back what a `CheckpointWriter` wrote, entry by entry. */
export class CheckpointReader {
  readonly #file: Buffer;
  #at = MAGIC.length;

  private constructor(file: Buffer) {
    this.#file = file;
  }

  /** Of the file at `path`; null when there is none, or it is none of ours, or was cut off. */
  static of(path: string): CheckpointReader | null {
    let file: Buffer;
    try {
      file = readFileSync(path);
    } catch {
      return null;
    }
    const whole =
      file.length >= MAGIC.length + 8 &&
      file.toString('latin1', 0, MAGIC.length) === MAGIC &&
      file.readInt32LE(file.length - 8) === KIND.end;
    return whole ? new CheckpointReader(file) : null;
  }

  /** The next words, in an array of `least` words at least. */
  words(least = 0): Int32Array<ArrayBuffer> {
    const [from, length] = this.#next(KIND.words);
    const array = new Int32Array(Math.max(least, length / 4));
    new Uint8Array(array.buffer).set(this.#file.subarray(from, from + length));
    return array;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const [from, length] = this.#next(KIND.bytes);
    return Uint8Array.from(this.#file.subarray(from, from + length));
  }

  numbers(): number[] {
    return [...this.words()];
  }

  text(): string {
    const [from, length] = this.#next(KIND.text);
    return this.#file.toString('utf8', from, from + length);
  }

  #next(kind: number): [from: number, length: number] {
    const found = this.#file.readInt32LE(this.#at);
    const length = this.#file.readInt32LE(this.#at + 4);
    if (found !== kind)
      throw new Error(`checkpoint: entry of kind ${found} where ${kind} was written`);
    const from = this.#at + 8;
    this.#at = from + length + ((4 - (length % 4)) % 4);
    return [from, length];
  }
}

/** Where a search is kept while it runs. */
export class Keeper {
  readonly #path: string;
  readonly #every: number;
  #next: number;
  /** The search went on from what an earlier run kept. */
  resumed = false;

  /** `every`: milliseconds between two writes, at least; a write that takes long makes them rarer. */
  constructor(path: string, every: number) {
    this.#path = path;
    this.#every = every;
    this.#next = performance.now() + every;
  }

  /** What an earlier run kept; null: nothing. */
  kept(): CheckpointReader | null {
    const reader = CheckpointReader.of(this.#path);
    this.resumed = reader !== null;
    return reader;
  }

  due(): boolean {
    return performance.now() >= this.#next;
  }

  keep(writer: CheckpointWriter): void {
    const start = performance.now();
    writer.writeTo(this.#path);
    const end = performance.now();
    // At most one part in twenty of the time goes into writing.
    this.#next = end + Math.max(this.#every, 20 * (end - start));
  }

  /** The search has ended; what a killed run may have left half written goes, too. */
  done(): void {
    for (const path of [this.#path, `${this.#path}.new`]) rmSync(path, { force: true });
  }
}
