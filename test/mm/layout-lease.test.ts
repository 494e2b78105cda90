import { expect, test } from 'vitest';
import { designNamed, designRules, rulesFor } from '../../src/kernels/index.ts';
import { EINVAL, EOPNOTSUPP, ETXTBSY } from '../../src/machine/errno.ts';
import { fileEvict, filePut, newFile } from '../../src/mm/file-refs.ts';
import { FALLOC, sysFallocate, sysFtruncate } from '../../src/mm/file-size.ts';
import { FILE } from '../../src/mm/file-tables.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { getUserPages, pinUserPages, pinUserPagesFast } from '../../src/mm/gup.ts';
import { bootKernel, kmalloc, newTask } from '../../src/mm/kernel.ts';
import { setLayoutLease } from '../../src/mm/layout-lease.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { mmAlloc } from '../../src/mm/mm-alloc.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { unpinUserPage } from '../../src/mm/unpin.ts';
import { run } from './run.ts';

const LONG = FOLL.write | FOLL.longterm;

/** A process with a DAX file of four pages, mapped and touched, under the design of 2019 (or mainline's rules). */
function setUp(design = true) {
  const bias = designNamed('bias-2019');
  if (bias === undefined) throw new Error('the design is gone');
  const k = bootKernel({
    rules: design ? designRules(bias) : rulesFor('5.10'),
    areas: [{ pages: 4096 }, { pages: 64, device: true }],
    files: 8,
  });
  const task = newTask(k, run(mmAlloc(k)), 0);
  const file = run(newFile(k, FILE.daxXfs));
  run(sysFtruncate(k, file, 4, 0));
  const vpn = run(sysMmap(k, task, 0, 4, PROT.read | PROT.write, MAP.shared, file, 0));
  for (let i = 0; i < 4; i++) run(userAccess(k, task, vpn + i, true));
  return { k, task, file, vpn, words: kmalloc(k, 8) };
}

test('A8 the lease allows longterm pins on both paths; without it both refuse them', () => {
  const { k, task, file, vpn, words } = setUp();
  for (const pin of [pinUserPages, pinUserPagesFast]) {
    expect(run(pin(k, task, vpn, 1, LONG, words))).toBe(-EOPNOTSUPP);
    expect(run(setLayoutLease(k, file, true))).toBe(0);
    expect(run(pin(k, task, vpn, 1, LONG, words))).toBe(1);
    run(unpinUserPage(k, k.kmem[words] ?? 0));
    expect(run(setLayoutLease(k, file, false))).toBe(0);
  }
});

test('A8 neither the lease nor a pin lets blocks be taken; both gone, they go', () => {
  const { k, task, file, vpn, words } = setUp();
  const punch = FALLOC.punchHole | FALLOC.keepSize;
  const refused = () => {
    expect(run(sysFtruncate(k, file, 2, 0))).toBe(-ETXTBSY);
    expect(run(sysFallocate(k, file, punch, 3, 0, 1, 0))).toBe(-ETXTBSY);
    expect(k.file.pages[file]).toBe(4);
  };
  run(setLayoutLease(k, file, true));
  refused();
  expect(run(pinUserPages(k, task, vpn + 3, 1, LONG, words))).toBe(1);
  run(setLayoutLease(k, file, false));
  refused();
  // What grows the file, and what takes other blocks, does not care.
  expect(run(sysFtruncate(k, file, 5, 0))).toBe(0);
  expect(run(sysFallocate(k, file, punch, 1, 0, 1, 0))).toBe(0);
  expect(run(sysFtruncate(k, file, 4, 0))).toBe(0);
  run(unpinUserPage(k, k.kmem[words] ?? 0));
  expect(run(sysFtruncate(k, file, 2, 0))).toBe(0);
  expect(k.file.pages[file]).toBe(2);
});

test('A8 a plain reference is waited for, not refused: who has it gives it back soon', () => {
  const { k, task, file, vpn, words } = setUp();
  expect(run(getUserPages(k, task, vpn, 1, FOLL.write, words))).toBe(1);
  const steps = sysFtruncate(k, file, 0, 0);
  for (let i = 0; i < 200 && steps.next().done !== true; i++);
  expect(k.file.pages[file]).toBe(4);
});

test('A8 a file that is gone has no lease, and its number begins without one', () => {
  const { k, task, file, vpn } = setUp();
  run(setLayoutLease(k, file, true));
  run(sysMunmap(k, task, vpn, 4));
  if ((k.file.refs[file] ?? 0) > 0) run(filePut(k, file));
  else run(fileEvict(k, file));
  expect(k.file.lease[file]).toBe(0);
});

test('A8 no release has such leases, no other file either', () => {
  const { k, file } = setUp(false);
  expect(run(setLayoutLease(k, file, true))).toBe(-EINVAL);
  const designed = setUp().k;
  const other = run(newFile(designed, FILE.shmem));
  expect(run(setLayoutLease(designed, other, true))).toBe(-EINVAL);
});
