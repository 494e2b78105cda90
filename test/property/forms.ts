/**
 * The three executions of the model behind one tiny interface: the generators run to their end, the direct form, and
 * the resumable form run to completion. Modules are loaded by Node itself, so that the test's tooling rewrites nothing
 * of what is tested (and measured).
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type { Kernel } from '../../src/mm/kernel.ts';

/** Every function that programs call, and the module it is in. All take the kernel, then numbers and booleans. */
export const CALLS = {
  accessRemoteRead: 'drivers/access-remote.ts',
  accessRemoteWrite: 'drivers/access-remote.ts',
  ringRegister: 'drivers/io-uring.ts',
  ringUnregister: 'drivers/io-uring.ts',
  processVmCopy: 'drivers/process-vm.ts',
  directIo: 'fs/direct-io.ts',
  fdCloseAll: 'fs/fd.ts',
  fdInstall: 'fs/fd.ts',
  newPipe: 'fs/pipe.ts',
  pipeReadValue: 'fs/pipe.ts',
  sysVmsplice: 'fs/splice.ts',
  lockShared: 'machine/locks.ts',
  unlockShared: 'machine/locks.ts',
  folioTrylock: 'machine/locks.ts',
  folioUnlock: 'machine/locks.ts',
  refTryAdd: 'machine/grab-words.ts',
  compactMemory: 'mm/compaction.ts',
  exitMm: 'mm/exit.ts',
  filePread: 'mm/file-io.ts',
  filePwrite: 'mm/file-io.ts',
  newFile: 'mm/file-refs.ts',
  sysFallocate: 'mm/file-size.ts',
  sysFtruncate: 'mm/file-size.ts',
  folioPut: 'mm/folio.ts',
  dupMm: 'mm/fork.ts',
  folioAddPin: 'mm/grab.ts',
  getUserPages: 'mm/gup.ts',
  getUserPagesUnlocked: 'mm/gup.ts',
  getUserPagesFast: 'mm/gup.ts',
  getUserPagesFastOnly: 'mm/gup.ts',
  getUserPagesRemote: 'mm/gup.ts',
  getUserPagesLongterm: 'mm/gup.ts',
  pinUserPages: 'mm/gup.ts',
  pinUserPagesUnlocked: 'mm/gup.ts',
  pinUserPagesFast: 'mm/gup.ts',
  pinUserPagesFastOnly: 'mm/gup.ts',
  pinUserPagesRemote: 'mm/gup.ts',
  splitHugePage: 'mm/huge-split.ts',
  collapseHugePage: 'mm/khugepaged.ts',
  ksmMerge: 'mm/ksm.ts',
  lruDrain: 'mm/lru.ts',
  sysMadvise: 'mm/madvise.ts',
  addSeals: 'mm/memfd.ts',
  sysMemfdCreate: 'mm/memfd.ts',
  memfdPinFolios: 'mm/memfd-pin.ts',
  userAccess: 'mm/memory.ts',
  injectError: 'mm/memory-failure.ts',
  isolateFolio: 'mm/migrate.ts',
  migrateFolio: 'mm/migrate.ts',
  putbackFolio: 'mm/migrate.ts',
  sysMlock: 'mm/mlock.ts',
  sysMunlock: 'mm/mlock.ts',
  mmAlloc: 'mm/mm-alloc.ts',
  sysMmap: 'mm/mmap.ts',
  sysMunmap: 'mm/mmap.ts',
  sysMprotect: 'mm/mprotect.ts',
  sysMremap: 'mm/mremap.ts',
  numaHint: 'mm/numa-balancing.ts',
  setPageDirtyLock: 'mm/set-dirty.ts',
  clearRefs: 'mm/soft-dirty.ts',
  swapReadahead: 'mm/swapoff.ts',
  swapOff: 'mm/swapoff.ts',
  flushFile: 'mm/sync.ts',
  sysFsync: 'mm/sync.ts',
  sysMsync: 'mm/sync.ts',
  sysSyncFileRange: 'mm/sync.ts',
  unpinFolios: 'mm/unpin.ts',
  unpinUserFolio: 'mm/unpin.ts',
  unpinUserPage: 'mm/unpin.ts',
  unpinUserPages: 'mm/unpin.ts',
  unpinUserPagesDirtyLock: 'mm/unpin.ts',
  unpinUserPageRangeDirtyLock: 'mm/unpin.ts',
  shrinkLruPages: 'mm/vmscan.ts',
} as const;

export type CallName = keyof typeof CALLS;
export type Args = readonly (number | boolean)[];

/** One execution of the model. */
export interface Form {
  readonly name: string;
  /** Runs one call to its end. Nothing counts as 0, true as 1. Throws when it would wait for ever. */
  call(k: Kernel, name: CallName, args: Args): number;
}

const root = resolve(import.meta.dirname, '../..');
const load = createRequire(import.meta.url);

function functions<F>(folder: string): Record<CallName, F> {
  const made: Partial<Record<CallName, F>> = {};
  for (const name of Object.keys(CALLS) as CallName[]) {
    const module = load(resolve(root, folder, CALLS[name])) as Record<string, F>;
    const found = module[name];
    if (found === undefined) throw new Error(`${folder}/${CALLS[name]} has no ${name}`);
    made[name] = found;
  }
  return made as Record<CallName, F>;
}

/** Steps of one call after which it is taken to go on for ever. */
const STEPS_MAX = 5_000_000;

/** A call that waits for what nobody will do, or that never ends. */
export class Stuck extends Error {}

function checkEnabled(enabled: boolean, word: number): void {
  if (!enabled)
    throw new Stuck(
      `waits for ever at operation ${word & 15}, region ${(word >>> 4) & 31}, index ${word >>> 9}`,
    );
}

type Enabled = typeof import('../../src/machine/enabled.ts');
const { accessEnabled } = load(resolve(root, 'src/machine/enabled.ts')) as Enabled;

/** The source itself: generators, every announced step checked for being possible. */
export function steppedForm(): Form {
  type Steps = Generator<number, number | boolean | undefined, void>;
  const all = functions<(k: Kernel, ...args: Args) => Steps>('src');
  return {
    name: 'stepped',
    call(k, name, args) {
      const steps = all[name](k, ...args);
      for (let n = 0; n < STEPS_MAX; n++) {
        const next = steps.next();
        if (next.done === true) return Number(next.value ?? 0);
        checkEnabled(accessEnabled(k, next.value), next.value);
      }
      throw new Stuck(`${name} does not end`);
    },
  };
}

/** `direct` or `shared`: plain functions. */
export function plainForm(name: 'direct' | 'shared'): Form {
  const all = functions<(k: Kernel, ...args: Args) => number | boolean | undefined>(`gen/${name}`);
  return { name, call: (k, call, args) => Number(all[call](k, ...args) ?? 0) };
}

/** State machines over an explicit stack, with every write in the undo log. */
export function resumableForm(): Form {
  type Runtime = typeof import('../../src/machine/resumable.ts');
  const runtime = load(resolve(root, 'src/machine/resumable.ts')) as Runtime;
  const all =
    functions<import('../../src/machine/resumable.ts').Routine<Kernel, (number | boolean)[]>>(
      'gen/resumable',
    );
  const words = 2048;
  runtime.setStacks(new Int32Array(words), words);
  return {
    name: 'resumable',
    call(k, name, args) {
      let done = runtime.spawn(k, 0, all[name], ...args);
      while (!done) {
        const word = runtime.threadPending(0);
        checkEnabled(accessEnabled(k, word), word);
        done = runtime.resume(k, 0);
      }
      return runtime.threadResult(0);
    },
  };
}
