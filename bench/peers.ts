/** The programs in C that the benchmarks run beside Pinfold: built on first use into .cache/. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Contender } from './measure.ts';

const CACHE = join(import.meta.dirname, '..', '.cache', 'bench');

/** Why a peer is left out, for the reader. */
class NoPeer extends Error {}

/** A peer that has shown that it runs here, or null with the reason printed. */
export async function openPeer(
  name: string,
  program: string,
  args: readonly string[],
  units: number,
): Promise<Peer | null> {
  try {
    const peer = new Peer(name, buildPeer(program), args, units);
    await peer.round();
    return peer;
  } catch (error) {
    if (!(error instanceof NoPeer)) throw error;
    console.log(`  skipped: ${name}: ${error.message}`);
    return null;
  }
}

const built = new Map<string, string>();

/** Builds bench/peer/`name`.c with the system's gcc. Returns the program; throws NoPeer without a compiler. */
function buildPeer(name: string): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  mkdirSync(CACHE, { recursive: true });
  const program = join(CACHE, name);
  const source = join(import.meta.dirname, 'peer', `${name}.c`);
  const made = spawnSync('gcc', ['-O2', '-o', program, source], { encoding: 'utf8' });
  if (made.error !== undefined) throw new NoPeer('there is no gcc on this machine');
  if (made.status !== 0) throw new NoPeer(`gcc could not build ${name}.c: ${made.stderr.trim()}`);
  built.set(name, program);
  return program;
}

/** A running peer: it makes one round for each line that it is sent. */
export class Peer implements Contender {
  readonly name: string;
  readonly #units: number;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #complaint = '';

  /** Starts `program`; its times are for `units` pages together. */
  constructor(name: string, program: string, args: readonly string[], units: number) {
    this.name = name;
    this.#units = units;
    this.#child = spawn(program, args);
    this.#child.stderr.on('data', (text: Buffer) => {
      this.#complaint += text.toString();
    });
    // A program that has ended is told of by the end of its output.
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Nanoseconds a page. Throws NoPeer when the program has given up. */
  async round(): Promise<{ pin: number; unpin: number }> {
    this.#child.stdin.write('go\n');
    const { value, done } = await this.#lines.next();
    if (done === true) throw new NoPeer(this.#complaint.trim() || 'it ended without a word');
    const [pin = Number.NaN, unpin = Number.NaN] = String(value).split(' ').map(Number);
    return { pin: pin / this.#units, unpin: unpin / this.#units };
  }

  end(): void {
    this.#child.stdin.end();
  }
}
