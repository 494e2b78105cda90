/**
 * What a run changes on the machine, and how it is put back. Everything is written down in a journal before it is
 * done: a `pinfold run` that was killed is repaired by the next one. Mounts, loop devices and processes need no
 * journal: the kernel takes them away with the namespaces that they live in.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const NR_HUGEPAGES = '/proc/sys/vm/nr_hugepages';
export const ZRAM = '/sys/block/zram0';
export const KSM = '/sys/kernel/mm/ksm';

/** What there is to put back. */
export interface Journal {
  readonly pid: number;
  /** Start time of that process, so that another one with its number is not taken for it. */
  readonly started: string;
  folder: string;
  cgroups: string[];
  nrHugepages: number | null;
  swap: string | null;
  /** Files of /sys/kernel/mm/ksm and what stood in them; journals of older runs have none. */
  ksm?: Readonly<Record<string, number>> | null;
}

/** This user's folder for what has to be put back, made if need be. Throws when it is somebody else's. */
export const stateFolder = (): string => {
  const folder = join(tmpdir(), `pinfold-state-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = statSync(folder);
  if (stat.uid !== (process.getuid?.() ?? stat.uid))
    throw new Error(`${folder} belongs to somebody else`);
  return folder;
};

/** When a process began, in ticks since boot: tells it from a later one of the same number. null: it is gone. */
export const startTime = (pid: number): string | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22, counted after the name in brackets, which may hold spaces.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
};

/** The number in a file; null: there is none. */
export const readNumber = (path: string): number | null => {
  try {
    const n = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isNaN(n) ? null : n;
  } catch {
    return null;
  }
};

/** Does what may fail without harm. */
export const quietly = (work: () => void): void => {
  try {
    work();
  } catch {
    // Gone already, or not ours to change.
  }
};

const sleep = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

/** Puts back what a journal says. */
export const putBack = (journal: Journal): void => {
  for (const folder of journal.cgroups) removeCgroup(folder);
  if (journal.nrHugepages !== null) {
    const original = String(journal.nrHugepages);
    // Pages that a dying process still holds keep the pool larger for a moment.
    for (let tries = 0; tries < 50; tries++) {
      quietly(() => writeFileSync(NR_HUGEPAGES, original));
      if (
        String(readNumber(NR_HUGEPAGES)) === original &&
        readNumber('/sys/kernel/mm/hugepages/hugepages-2048kB/surplus_hugepages') === 0
      )
        break;
      sleep(20);
    }
  }
  putBackKsm(journal);
  putBackSwap(journal);
  quietly(() => rmSync(journal.folder, { recursive: true, force: true }));
};

/** Takes the swap away that the run gave the machine. */
export const putBackSwap = ({ swap }: Journal): void => {
  if (swap === null) return;
  spawnSync('swapoff', [swap]);
  quietly(() => writeFileSync(`${ZRAM}/reset`, '1'));
};

/** KSM as it was: a program that was killed in the middle leaves the daemon running. */
export const putBackKsm = ({ ksm }: Journal): void => {
  for (const [file, value] of Object.entries(ksm ?? {}))
    quietly(() => writeFileSync(join(KSM, file), String(value)));
};

const removeCgroup = (folder: string): void => {
  for (let tries = 0; tries < 50 && existsSync(folder); tries++) {
    quietly(() => {
      for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n'))
        if (pid !== '') process.kill(Number(pid), 'SIGKILL');
    });
    quietly(() => rmdirSync(folder));
    if (existsSync(folder)) sleep(20);
  }
};

/** Puts back what runs that were killed have left; says what it did. */
export const repair = (): string[] => {
  const folder = stateFolder();
  const done: string[] = [];
  for (const name of readdirSync(folder).filter((n) => n.endsWith('.json'))) {
    const path = join(folder, name);
    quietly(() => {
      const journal = JSON.parse(readFileSync(path, 'utf8')) as Journal;
      if (startTime(journal.pid) === journal.started) return;
      putBack(journal);
      unlinkSync(path);
      done.push(`put back what the run of process ${journal.pid} had left`);
    });
  }
  return done;
};
