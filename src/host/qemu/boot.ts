/** One boot of a kernel in QEMU: starts it, follows its serial lines, and ends it when it hangs. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { KernelProblem } from './problem.ts';
import { Serial } from './serial.ts';

export interface Machine {
  readonly accel: 'tcg' | 'kvm';
  readonly cpus: number;
  /** MiB. */
  readonly memory: number;
}

export interface Boot {
  readonly vmlinuz: string;
  readonly initrd: string;
  /** Where the kernel's own messages go. */
  readonly console: string;
  /** First test of the plan to run. */
  readonly from: number;
  /** Raw images that the machine has as NVMe disks, by serial number. */
  readonly disks: ReadonlyMap<string, string>;
  /** Seconds that test `n` may take. */
  readonly limitOf: (n: number) => number;
}

export interface Booted {
  readonly serial: Serial;
  /** Why it ended without saying `done`; null: it said so. */
  readonly broken: string | null;
}

/** Seconds to reach user space, and beyond a test's own limit. Emulation is slow and the machine may be busy. */
const BOOT_LIMIT = 180;
const GRACE = 60;

/** MiB of the second node. */
const FAR = 64;

const QEMU = 'qemu-system-x86_64';

/** Throws when there is no QEMU. */
export const needQemu = (): void => {
  if (spawnSync(QEMU, ['--version'], { stdio: 'ignore' }).status !== 0)
    throw new KernelProblem(
      `other kernels are booted in QEMU, and there is no ${QEMU} here (Debian: apt-get install qemu-system-x86)`,
    );
};

export const qemuArguments = (machine: Machine, boot: Boot): string[] => [
  ...['-accel', machine.accel, '-cpu', machine.accel === 'kvm' ? 'host' : 'max'],
  ...['-smp', String(machine.cpus), '-m', String(machine.memory)],
  // A second node, of memory only, for pages that move; what nobody asks for elsewhere comes from the first.
  ...['-object', `memory-backend-ram,id=near,size=${machine.memory - FAR}M`],
  ...['-numa', `node,nodeid=0,cpus=0-${machine.cpus - 1},memdev=near`],
  ...['-object', `memory-backend-ram,id=far,size=${FAR}M`, '-numa', 'node,nodeid=1,memdev=far'],
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none', '-no-reboot'],
  ...['-serial', `file:${boot.console}`, '-serial', 'stdio'],
  ...[...boot.disks].flatMap(([serial, file]) => [
    '-drive',
    `if=none,id=${serial},file=${file},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap`,
    '-device',
    `nvme,drive=${serial},serial=${serial}`,
  ]),
  ...['-kernel', boot.vmlinuz, '-initrd', boot.initrd],
  ...[
    '-append',
    `console=ttyS0 quiet loglevel=4 panic=-1 rdinit=/init no_timer_check numa_balancing=disable pinfold.from=${boot.from}`,
  ],
];

/** Boots once; `followed` is called after each piece of output. */
export const bootOnce = (
  machine: Machine,
  boot: Boot,
  followed: (serial: Serial) => void,
  running: Set<() => void>,
): Promise<Booted> =>
  new Promise((resolve) => {
    const serial = new Serial();
    let broken: string | null = null;
    const child = spawn(QEMU, qemuArguments(machine, boot), { stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (): void => {
      child.kill('SIGKILL');
    };
    running.add(stop);
    let timer: NodeJS.Timeout;
    const watch = (): void => {
      clearTimeout(timer);
      const seconds =
        serial.release === null
          ? BOOT_LIMIT
          : GRACE + (serial.running === null ? 0 : boot.limitOf(serial.running));
      timer = setTimeout(() => {
        broken ??=
          serial.release === null
            ? `no user space after ${seconds} seconds`
            : `nothing was heard for ${seconds} seconds`;
        stop();
      }, 1000 * seconds);
    };
    watch();
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      serial.feed(text);
      watch();
      followed(serial);
    });
    let complaint = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      complaint = (complaint + text).slice(0, 500);
    });
    child.on('error', (error) => {
      broken ??= error.message;
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(stop);
      if (serial.done) broken = null;
      else
        broken = [
          broken ?? panicOf(boot.console) ?? `QEMU ended early (${signal ?? `status ${code}`})`,
          complaint.trim(),
        ]
          .filter(Boolean)
          .join('; ');
      if (broken !== null) serial.cut(broken);
      resolve({ serial, broken });
    });
  });

/** What the kernel said when it gave up. */
const panicOf = (console: string): string | null => {
  try {
    const text = readFileSync(console, 'latin1');
    return (
      /Kernel panic[^\r\n]*/.exec(text)?.[0] ?? /(?:BUG|Oops):[^\r\n]*/.exec(text)?.[0] ?? null
    );
  } catch {
    return null;
  }
};
