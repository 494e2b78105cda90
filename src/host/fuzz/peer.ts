/** The kernel of this machine as a peer: keeps one interpreter running and asks it about one batch after the other. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../build.ts';
import type { Host } from '../machine.ts';
import { interpreterSource } from './interpreter.ts';
import type { FuzzOutcome } from './outcome.ts';
import type { Mix } from './program.ts';

/** Seconds without a line after which the interpreter is started anew. */
const PATIENCE = 20;

export class Peer {
  readonly #program: string;
  readonly #root: string;
  readonly #more: readonly string[];
  #child: ChildProcess | null = null;
  #rest = '';
  #line: (line: string | null) => void = () => {};

  private constructor(program: string, root: string, more: readonly string[]) {
    this.#program = program;
    this.#root = root;
    this.#more = more;
  }

  /** Builds the interpreter for programs of a mix; a reason why there is none. */
  static start(host: Host, mix: ReadonlySet<Mix> = new Set()): Peer | { readonly reason: string } {
    if (process.platform !== 'linux') return { reason: `this is ${process.platform}, not Linux` };
    const folder = join(host.folder, 'fuzz');
    mkdirSync(join(folder, 'root'), { recursive: true });
    const built = build(interpreterSource(), folder);
    if (!built.ok) return { reason: built.reason };
    const groups = host.cgroups();
    const more = groups.flatMap((g) => ['--cgroup', g]);
    if (mix.has('counters')) more.push('--counters', '1');
    if (mix.has('direct')) {
      const image = host.image('ext4');
      if ('reason' in image) return image;
      const throttle = groups.find((g) => existsSync(join(g, 'blkio.throttle.read_iops_device')));
      if (throttle === undefined)
        return { reason: 'no throttle of block devices here: nothing can be held in flight' };
      more.push('--image', image.path, '--throttle', throttle);
    }
    return new Peer(built.program, join(folder, 'root'), more);
  }

  #spawn(): ChildProcess {
    if (this.#child !== null) return this.#child;
    const args = ['--root', this.#root, ...this.#more];
    const child = spawn(this.#program, args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
    this.#rest = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#line(line);
    });
    child.stdin.on('error', () => {});
    child.on('close', () => {
      if (this.#child === child) this.#child = null;
      this.#line(null);
    });
    this.#child = child;
    return child;
  }

  /** Runs programs (lines of text.ts, numbered 0 and up) in order; an answer for each. */
  run(lines: readonly string[]): Promise<FuzzOutcome[]> {
    const outcomes: FuzzOutcome[] = lines.map(() => ({ how: 'died', answers: [] }));
    if (lines.length === 0) return Promise.resolve(outcomes);
    return new Promise((resolve) => {
      let done = 0;
      let timer: NodeJS.Timeout | undefined;
      const finish = (): void => {
        clearTimeout(timer);
        this.#line = () => {};
        resolve(outcomes);
      };
      const watch = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => this.#child?.kill('SIGKILL'), 1000 * PATIENCE);
      };
      const send = (): void => {
        this.#spawn().stdin?.write(`${lines.slice(done).join('\n')}\n`);
        watch();
      };
      this.#line = (line) => {
        if (line === null) {
          // Whatever it was running when it died stays 'died'; the rest goes to a new one.
          done++;
          if (done >= lines.length) finish();
          else send();
          return;
        }
        const [id = '', how = '', ...answers] = line.split(' ');
        if (how === '' || how.startsWith('skip\t')) return;
        outcomes[Number(id)] = { how, answers };
        done = Number(id) + 1;
        if (done >= lines.length) finish();
        else watch();
      };
      send();
    });
  }

  close(): void {
    const child = this.#child;
    this.#child = null;
    child?.stdin?.end();
    child?.kill('SIGKILL');
  }
}
