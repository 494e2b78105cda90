/** The machine that tests run on: what one `pinfold run` takes of it, and gives back (journal.ts). */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Journal,
  KSM,
  NR_HUGEPAGES,
  putBack,
  putBackKsm,
  putBackSwap,
  quietly,
  readNumber,
  repair,
  startTime,
  stateFolder,
  ZRAM,
} from './journal.ts';

/** Memory that a test may use. */
const MEMORY_LIMIT = 512 * 2 ** 20;
const PROCESS_LIMIT = 64;

/** NUMA nodes of this machine. */
export const memoryNodes = (): number => {
  try {
    return readdirSync('/sys/devices/system/node').filter((n) => /^node\d+$/.test(n)).length;
  } catch {
    return 1;
  }
};

/** One `pinfold run` on this machine. */
export class Host {
  readonly #journal: Journal;
  readonly #path: string;
  #locked = false;
  #onExit = (): void => this.close();

  constructor() {
    repair();
    this.#journal = {
      pid: process.pid,
      started: startTime(process.pid) ?? '',
      folder: mkdtempSync(join(tmpdir(), 'pinfold-run-')),
      cgroups: [],
      nrHugepages: null,
      swap: null,
      ksm: null,
    };
    this.#path = join(stateFolder(), `${process.pid}-${Date.now()}.json`);
    this.#write();
    process.on('exit', this.#onExit);
  }

  #write(): void {
    writeFileSync(this.#path, JSON.stringify(this.#journal));
  }

  /** A folder for this run's files. */
  get folder(): string {
    return this.#journal.folder;
  }

  /** Everything as it was. */
  close(): void {
    process.removeListener('exit', this.#onExit);
    putBack(this.#journal);
    quietly(() => unlinkSync(this.#path));
    this.unlock();
  }

  /** Waits until no other run uses what the machine has only once; false after `patience` milliseconds. */
  async lock(patience = 60_000): Promise<boolean> {
    const path = join(stateFolder(), 'lock');
    for (const start = Date.now(); !this.#locked; ) {
      try {
        writeFileSync(path, `${process.pid} ${startTime(process.pid)}`, { flag: 'wx' });
        this.#locked = true;
      } catch {
        quietly(() => {
          const [pid = '', started = ''] = readFileSync(path, 'utf8').split(' ');
          if (pid !== '' && startTime(Number(pid)) !== started) unlinkSync(path);
        });
        if (Date.now() - start > patience) return false;
        await new Promise((done) => setTimeout(done, 50));
      }
    }
    return true;
  }

  unlock(): void {
    if (this.#locked) quietly(() => unlinkSync(join(stateFolder(), 'lock')));
    this.#locked = false;
  }

  /** Folders of control groups that limit memory and processes; empty where this user may not have any. */
  cgroups(): readonly string[] {
    const { cgroups } = this.#journal;
    if (cgroups.length > 0) return cgroups;
    const name = `pinfold-${process.pid}`;
    const base = '/sys/fs/cgroup';
    const one = existsSync(join(base, 'cgroup.controllers'));
    for (const parent of one
      ? [base]
      : [join(base, 'memory'), join(base, 'pids'), join(base, 'blkio')]) {
      quietly(() => {
        const folder = join(parent, name);
        // Written down first: a run that is killed between the two lines leaves nothing.
        cgroups.push(folder);
        this.#write();
        mkdirSync(folder);
        for (const [file, value] of LIMITS)
          quietly(() => {
            if (existsSync(join(folder, file))) writeFileSync(join(folder, file), String(value));
          });
      });
    }
    this.#journal.cgroups = cgroups.filter((f) => existsSync(f));
    return this.#journal.cgroups;
  }

  /** Makes the pool of huge pages the test's own; a reason why not, or null. */
  takeHugePages(): string | null {
    if (this.#journal.nrHugepages !== null) return null;
    const pool = readNumber(NR_HUGEPAGES);
    if (pool === null) return 'set_nr_hugepages(): this kernel has no hugetlb pages';
    if (process.getuid?.() !== 0)
      return 'set_nr_hugepages(): only root may change the pool of huge pages';
    if (pool !== 0) return `set_nr_hugepages(): this machine keeps ${pool} huge pages for others`;
    this.#journal.nrHugepages = pool;
    this.#write();
    return null;
  }

  /** Gives the machine some swap in compressed memory if it has none; a reason why not, or null. */
  takeSwap(allowed: boolean): string | null {
    if (this.#journal.swap !== null) return null;
    if (swapAreas() > 0) return null;
    if (!allowed)
      return 'swap: this machine has none (--allow-system lets pinfold add a zram device for the run)';
    if (process.getuid?.() !== 0) return 'swap: only root may add some';
    if (readNumber(`${ZRAM}/disksize`) !== 0) return 'swap: /dev/zram0 is missing or in use';
    this.#journal.swap = '/dev/zram0';
    this.#write();
    try {
      writeFileSync(`${ZRAM}/disksize`, '256M');
    } catch {
      return 'swap: /dev/zram0 cannot be set up';
    }
    for (const [command, ...args] of [
      ['mkswap', '/dev/zram0'],
      ['swapon', '/dev/zram0'],
    ] as const)
      if (spawnSync(command, args).status !== 0) return `swap: ${command} failed`;
    return null;
  }

  /** Takes the swap away again that `takeSwap` gave. */
  dropSwap(): void {
    putBackSwap(this.#journal);
    this.#journal.swap = null;
    this.#write();
  }

  /** Notes how KSM is set, so that a test may set it going; a reason why not, or null. */
  takeKsm(allowed: boolean): string | null {
    if (this.#journal.ksm != null) return null;
    const running = readNumber(`${KSM}/run`);
    if (running === null) return 'ksm(): this kernel has no KSM';
    if (running !== 0) return 'ksm(): the machine runs it for others';
    if (!allowed)
      return 'ksm(): its daemon scans all mergeable memory of the machine (--allow-system lets it)';
    const files = ['run', 'smart_scan', 'sleep_millisecs', 'pages_to_scan'];
    this.#journal.ksm = Object.fromEntries(
      files.flatMap((file) => {
        const value = readNumber(`${KSM}/${file}`);
        return value === null ? [] : [[file, value]];
      }),
    );
    this.#write();
    return null;
  }

  /** After each test that may have set it going: its program may have been killed before it stopped it. */
  stopKsm(): void {
    putBackKsm(this.#journal);
  }

  /** An empty file system of that type in a file; its path, or why there is none. */
  image(type: string): { readonly path: string } | { readonly reason: string } {
    if (process.getuid?.() !== 0) return { reason: `/${type}: only root may mount a file system` };
    const path = join(this.folder, `${type}.img`);
    if (existsSync(path)) unlinkSync(path);
    const size = type === 'ext4' ? 16 : 320;
    writeFileSync(path, '');
    spawnSync('truncate', ['-s', `${size}M`, path]);
    const args = type === 'ext4' ? ['-q', '-F', '-O', '^has_journal', path] : ['-q', '-f', path];
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
    const made = spawnSync(`mkfs.${type}`, args, { encoding: 'utf8', env });
    if (made.error !== undefined) return { reason: `/${type}: no mkfs.${type} here` };
    return made.status === 0
      ? { path }
      : { reason: `/${type}: mkfs.${type}: ${made.stderr.trim()}` };
  }
}

const LIMITS: readonly (readonly [string, number | string])[] = [
  ['memory.limit_in_bytes', MEMORY_LIMIT],
  ['memory.max', MEMORY_LIMIT],
  ['pids.max', PROCESS_LIMIT],
];

const swapAreas = (): number => {
  try {
    return readFileSync('/proc/swaps', 'utf8').trim().split('\n').length - 1;
  } catch {
    return 0;
  }
};
