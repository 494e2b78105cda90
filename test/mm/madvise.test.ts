import { describe, expect, test } from 'vitest';
import { pageByte } from '../../src/machine/contents.ts';
import { EACCES, EINVAL, ENOMEM } from '../../src/machine/errno.ts';
import { sysFtruncate } from '../../src/mm/file-size.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { sysMemfdCreate } from '../../src/mm/memfd.ts';
import { sysMlock, sysMunlock } from '../../src/mm/mlock.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { VM, vmaAt } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';
import { load, pin, ptePfn, store } from './vma-builder.ts';

const RW = PROT.read | PROT.write;
const ANON = MAP.private | MAP.anonymous;

function mapped(nr: number, version = '6.12') {
  const { k, task, mm } = boot(version);
  const at = run(sysMmap(k, task, 0, nr, RW, ANON, 0, 0));
  return { k, task, mm, at };
}

describe('madvise', () => {
  test('A.26.1 DONTNEED takes a pinned page away; the pin keeps it', () => {
    const { k, task, mm, at } = mapped(2);
    const pfn = store(k, task, at, 7);
    pin(k, mm, pfn);
    expect(run(sysMadvise(k, task, at, 2, MADV.dontneed))).toBe(0);
    expect(k.page.refcount[pfn]).toBe(1024);
    expect(pageByte(k, pfn, 0)).toBe(7);
    expect(load(k, task, at)).toBe(k.zeroPfn);
  });

  test('DONTNEED refuses locked memory, DONTNEED_LOCKED takes it (5.18+)', () => {
    const { k, task, at } = mapped(1);
    expect(run(sysMlock(k, task, at, 1))).toBe(0);
    expect(run(sysMadvise(k, task, at, 1, MADV.dontneed))).toBe(-EINVAL);
    expect(run(sysMadvise(k, task, at, 1, MADV.dontneedLocked))).toBe(0);
    const old = mapped(1, '5.17');
    expect(run(sysMadvise(old.k, old.task, old.at, 1, MADV.dontneedLocked))).toBe(-EINVAL);
  });

  test.each([
    ['free', '4.4', '4.5'],
    ['wipeonfork', '4.13', '4.14'],
    ['pageout', '5.3', '5.4'],
    ['populateRead', '5.13', '5.14'],
    ['populateWrite', '5.13', '5.14'],
    ['collapse', '6.0', '6.1'],
  ] as const)('S91-S97 %s does not exist in %s and does in %s', (name, before, from) => {
    const old = mapped(512, before);
    expect(run(sysMadvise(old.k, old.task, old.at, 512, MADV[name]))).toBe(-EINVAL);
    const { k, task, at } = mapped(512, from);
    store(k, task, at, 1);
    expect(run(sysMadvise(k, task, at, 512, MADV[name]))).toBe(0);
  });

  test('a gap is ENOMEM, and the rest is advised', () => {
    const { k, task, mm, at } = mapped(2);
    store(k, task, at, 1);
    expect(run(sysMadvise(k, task, at - 1, 3, MADV.dontneed))).toBe(-ENOMEM);
    expect(ptePfn(k, mm, at)).toBe(0);
    expect(run(sysMadvise(k, task, at - 1, 3, MADV.dontfork))).toBe(-ENOMEM);
    expect(k.vma.flags[vmaAt(k, mm, at)] & VM.dontCopy).toBe(VM.dontCopy);
  });

  test('flags come and go, and split and merge mappings', () => {
    const { k, task, mm, at } = mapped(4);
    const pairs = [
      [MADV.dontfork, MADV.dofork, VM.dontCopy],
      [MADV.wipeonfork, MADV.keeponfork, VM.wipeOnFork],
      [MADV.mergeable, MADV.unmergeable, VM.mergeable],
      [MADV.dontdump, MADV.dodump, VM.dontDump],
    ] as const;
    const before = k.vma.flags[vmaAt(k, mm, at)];
    for (const [on, off, bit] of pairs) {
      expect(run(sysMadvise(k, task, at + 1, 2, on))).toBe(0);
      expect(k.vma.flags[vmaAt(k, mm, at + 1)] & bit).toBe(bit);
      expect(k.vma.end[vmaAt(k, mm, at)]).toBe(at + 1);
      expect(run(sysMadvise(k, task, at + 1, 2, off))).toBe(0);
      expect(k.vma.end[vmaAt(k, mm, at)]).toBe(at + 4);
      expect(k.vma.flags[vmaAt(k, mm, at)]).toBe(before);
    }
    run(sysMadvise(k, task, at, 4, MADV.hugepage));
    run(sysMadvise(k, task, at, 4, MADV.nohugepage));
    expect(k.vma.flags[vmaAt(k, mm, at)] & (VM.hugepage | VM.noHugepage)).toBe(VM.noHugepage);
  });

  test('POPULATE_WRITE gives each page its own memory, POPULATE_READ the page of zeros', () => {
    const { k, task, mm, at } = mapped(4);
    expect(run(sysMadvise(k, task, at, 2, MADV.populateRead))).toBe(0);
    expect(ptePfn(k, mm, at)).toBe(k.zeroPfn);
    expect(run(sysMadvise(k, task, at, 4, MADV.populateWrite))).toBe(0);
    expect(k.mm.anonRss[mm]).toBe(4);
    expect(run(sysMadvise(k, task, at - 1, 2, MADV.populateRead))).toBe(-ENOMEM);
  });

  test('REMOVE punches a hole into a shared file, and only there', () => {
    const { k, task } = boot('6.12');
    const file = run(sysMemfdCreate(k, 0));
    run(sysFtruncate(k, file, 2, 0));
    const shared = run(sysMmap(k, task, 0, 2, RW, MAP.shared, file, 0));
    const priv = run(sysMmap(k, task, 0, 2, RW, MAP.private, file, 0));
    const pfn = store(k, task, shared, 3);
    expect(run(sysMadvise(k, task, shared, 1, MADV.remove))).toBe(0);
    expect(k.page.refcount[pfn]).toBe(0);
    expect(pageByte(k, load(k, task, shared), 0)).toBe(0);
    expect(run(sysMadvise(k, task, priv, 1, MADV.remove))).toBe(-EACCES);
    const anon = run(sysMmap(k, task, 0, 1, RW, ANON, 0, 0));
    expect(run(sysMadvise(k, task, anon, 1, MADV.remove))).toBe(-EINVAL);
  });
});

describe('mlock', () => {
  test('faults everything in and counts it; munlock gives it back', () => {
    const { k, task, mm, at } = mapped(4);
    expect(run(sysMlock(k, task, at + 1, 2))).toBe(0);
    expect(k.mm.anonRss[mm]).toBe(2);
    expect(k.mm.lockedVm[mm]).toBe(2);
    expect(run(sysMunlock(k, task, at, 4))).toBe(0);
    expect(k.mm.lockedVm[mm]).toBe(0);
    // S175: a mapping with pages does not merge into one without (before 6.16).
    expect(k.vma.end[vmaAt(k, mm, at)]).toBe(at + 1);
  });

  test('ENOMEM where nothing is mapped', () => {
    const { k, task, mm, at } = mapped(2);
    expect(run(sysMlock(k, task, at, 3))).toBe(-ENOMEM);
    expect(k.mm.lockedVm[mm]).toBe(2);
    expect(run(sysMunlock(k, task, at - 1, 2))).toBe(-ENOMEM);
    expect(run(sysMlock(k, task, at, 0))).toBe(0);
  });
});
