import { describe, expect, test } from 'vitest';
import { PTE } from '../../src/machine/entry.ts';
import { EACCES, EFAULT, EINVAL, ENOMEM } from '../../src/machine/errno.ts';
import { sysFtruncate } from '../../src/mm/file-size.ts';
import { sysMemfdCreate } from '../../src/mm/memfd.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { sysMprotect } from '../../src/mm/mprotect.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { vmaAt } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';
import { load, pin, pteLo, ptePfn, store } from './vma-builder.ts';

const RW = PROT.read | PROT.write;
const ANON = MAP.private | MAP.anonymous;

function mapped(version: string, nr: number) {
  const { k, task, mm } = boot(version);
  const at = run(sysMmap(k, task, 0, nr, RW, ANON, 0, 0));
  return { k, task, mm, at };
}

describe('mprotect', () => {
  test.each(['5.4', '5.19', '6.12'])(
    'A.22.1 R, then RW: the pinned page stays the same page (%s)',
    (version) => {
      const { k, task, mm, at } = mapped(version, 1);
      const pfn = store(k, task, at, 1);
      // A pin as such: 5.9 to 5.18 would copy here, which is their bug and another test's.
      if (version !== '5.4') pin(k, mm, pfn);
      expect(run(sysMprotect(k, task, at, 1, PROT.read))).toBe(0);
      expect(pteLo(k, mm, at) & PTE.write).toBe(0);
      expect(run(userAccess(k, task, at, true))).toBe(-EFAULT);
      expect(run(sysMprotect(k, task, at, 1, RW))).toBe(0);
      expect(store(k, task, at, 2)).toBe(pfn);
    },
  );

  test('S63 6.0+: exclusive and dirty is writable at once; S64 clean too from 6.2', () => {
    for (const [version, dirty, clean] of [
      ['5.19', false, false],
      ['6.0', true, false],
      ['6.2', true, true],
    ] as const) {
      const { k, task, mm, at } = mapped(version, 2);
      store(k, task, at, 1);
      store(k, task, at + 1, 1);
      const e = pteEntry(k, mm, at + 1);
      k.contents[e] = pteLo(k, mm, at + 1) & ~PTE.dirty;
      run(sysMprotect(k, task, at, 2, PROT.read));
      run(sysMprotect(k, task, at, 2, RW));
      expect((pteLo(k, mm, at) & PTE.write) !== 0, version).toBe(dirty);
      expect((pteLo(k, mm, at + 1) & PTE.write) !== 0, version).toBe(clean);
    }
  });

  test('the page of zeros never becomes writable', () => {
    const { k, task, mm, at } = mapped('6.12', 1);
    load(k, task, at);
    run(sysMprotect(k, task, at, 1, PROT.read));
    run(sysMprotect(k, task, at, 1, RW));
    expect(pteLo(k, mm, at) & PTE.write).toBe(0);
    expect(store(k, task, at, 5)).not.toBe(k.zeroPfn);
  });

  test('PROT_NONE hides the page from the processor and keeps it', () => {
    const { k, task, mm, at } = mapped('6.12', 1);
    const pfn = store(k, task, at, 3);
    run(sysMprotect(k, task, at, 1, PROT.none));
    expect(pteLo(k, mm, at) & (PTE.present | PTE.protnone)).toBe(PTE.protnone);
    expect(run(userAccess(k, task, at, false))).toBe(-EFAULT);
    run(sysMprotect(k, task, at, 1, RW));
    expect(ptePfn(k, mm, at)).toBe(pfn);
    expect(load(k, task, at)).toBe(pfn);
  });

  test('splits, and merges again', () => {
    const { k, task, mm, at } = mapped('6.12', 4);
    const first = vmaAt(k, mm, at);
    run(sysMprotect(k, task, at + 1, 2, PROT.read));
    expect([at, at + 1, at + 3].map((vpn) => k.vma.end[vmaAt(k, mm, vpn)])).toEqual([
      at + 1,
      at + 3,
      at + 4,
    ]);
    run(sysMprotect(k, task, at + 1, 2, RW));
    expect(vmaAt(k, mm, at)).toBe(first);
    expect(k.vma.end[first]).toBe(at + 4);
    expect(k.vma.next[first]).toBe(0);
    expect(k.mm.totalVm[mm]).toBe(4);
  });

  test('a shared writable mapping is writable again without a fault', () => {
    const { k, task, mm } = boot('5.4');
    const file = run(sysMemfdCreate(k, 0));
    run(sysFtruncate(k, file, 1, 0));
    const at = run(sysMmap(k, task, 0, 1, RW, MAP.shared, file, 0));
    store(k, task, at, 1);
    run(sysMprotect(k, task, at, 1, PROT.read));
    expect(pteLo(k, mm, at) & PTE.write).toBe(0);
    run(sysMprotect(k, task, at, 1, RW));
    expect(pteLo(k, mm, at) & PTE.write).toBe(PTE.write);
  });

  test('errors: gaps, missing rights, impossible protection', () => {
    const { k, task, mm, at } = mapped('6.12', 2);
    expect(run(sysMprotect(k, task, at - 1, 2, PROT.read))).toBe(-ENOMEM);
    expect(run(sysMprotect(k, task, at + 1, 2, PROT.read))).toBe(-ENOMEM);
    // What lay before the gap is changed all the same.
    expect(k.vma.flags[vmaAt(k, mm, at + 1)] & 7).toBe(PROT.read);
    expect(run(sysMprotect(k, task, at, 1, 64))).toBe(-EINVAL);
    expect(run(sysMprotect(k, task, at, 0, RW))).toBe(0);
    k.vma.flags[vmaAt(k, mm, at)] &= ~0x20;
    run(sysMprotect(k, task, at, 1, PROT.read));
    expect(run(sysMprotect(k, task, at, 1, RW))).toBe(-EACCES);
  });
});
