import { describe, expect, test } from 'vitest';
import { dqbuf, goldfishRead, qbufUserptr, umemReg, umemUnreg } from '../../src/drivers/buffers.ts';
import { releaseDevices } from '../../src/drivers/exit.ts';
import { iommuMap, iommuRead, iommuUnmap, iommuWrite } from '../../src/drivers/iommu.ts';
import { deregMr, rdmaRead, rdmaWrite, regMr } from '../../src/drivers/rdma.ts';
import { REGION, REGIONS } from '../../src/fs/device-tables.ts';
import { addHeldBySystem } from '../../src/fs/held.ts';
import { bootSystem } from '../../src/fs/system.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { entryPfn } from '../../src/machine/entry.ts';
import {
  EEXIST,
  EFAULT,
  EINVAL,
  ENOBUFS,
  ENOMEM,
  EOPNOTSUPP,
  EPERM,
} from '../../src/machine/errno.ts';
import { audit, newHeld } from '../../src/mm/audit.ts';
import { type Kernel, newTask } from '../../src/mm/kernel.ts';
import { sysMlock } from '../../src/mm/mlock.ts';
import { mmAlloc } from '../../src/mm/mm-alloc.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { run } from '../mm/run.ts';
import { store } from '../mm/vma-builder.ts';

const PAGE = 4096;
const LOCAL_WRITE = 1;
const REMOTE_WRITE = 2;
const ON_DEMAND = 64;

/** The page that is mapped at `vpn`. */
const pageOf = (k: Kernel, mm: number, vpn: number): number => {
  const e = pteEntry(k, mm, vpn);
  return entryPfn(k.contents[e] ?? 0, k.contents[e + 1] ?? 0);
};

/** One process with four pages of memory, written to. */
function system(version = '6.12') {
  const k = bootSystem({ rules: rulesFor(version) });
  const mm = run(mmAlloc(k));
  const task = newTask(k, mm, 0);
  const buf = run(
    sysMmap(k, task, 0, 4, PROT.read | PROT.write, MAP.private | MAP.anonymous, 0, 0),
  );
  for (let i = 0; i < 4; i++) store(k, task, buf + i, i + 1);
  const wrong = (): string[] => {
    const held = newHeld(k);
    addHeldBySystem(k, held);
    return audit(k, held);
  };
  return { k, mm, task, buf, wrong };
}

describe('A.28 every caller, at versions that take pages differently', () => {
  test.each(['4.4', '4.18', '5.4', '5.6', '5.10', '6.2', '7.3'])(
    '%s: what is registered is accounted for, and given back whole',
    (version) => {
      const { k, mm, task, buf, wrong } = system(version);
      const mr = run(regMr(k, task, buf, 100, 2 * PAGE, LOCAL_WRITE));
      expect(mr).toBe(1);
      expect(k.device.pages[mr]).toBe(3);
      expect(run(iommuMap(k, task, REGION.vfio, buf, 0, 0x10000, PAGE))).toBe(0);
      const table = run(iommuMap(k, task, REGION.mmIommu, buf + 1, 0, 0, PAGE));
      const umem = run(umemReg(k, task, buf, 0, PAGE));
      const video = run(qbufUserptr(k, task, buf + 2, 7, 100));
      expect([table, umem, video]).toEqual([3, 4, 5]);
      expect(wrong()).toEqual([]);
      expect([k.mm.pinnedVm[mm], k.mm.lockedVm[mm], k.device.userLocked[0]]).toEqual([3, 2, 1]);
      expect(run(rdmaWrite(k, mr, 1, 55))).toBe(0);
      expect(pageByte(k, pageOf(k, mm, buf), 101)).toBe(55);
      expect(run(iommuWrite(k, 0x10005, 66))).toBe(0);
      expect(run(iommuRead(k, 0x10005))).toBe(66);
      expect(run(goldfishRead(k, task, buf + 3, PAGE - 2, 2, 9))).toBe(2);
      expect(run(goldfishRead(k, task, buf + 3, PAGE - 2, 3, 9))).toBe(-EFAULT);
      run(releaseDevices(k, mm));
      expect(wrong()).toEqual([]);
      expect([k.mm.pinnedVm[mm], k.mm.lockedVm[mm], k.device.userLocked[0]]).toEqual([0, 0, 0]);
      for (let i = 0; i < 4; i++) expect(k.page.refcount[pageOf(k, mm, buf + i)]).toBe(1);
    },
  );

  test('a registration that fails leaves nothing behind, at versions that take pages differently', () => {
    for (const version of ['4.4', '5.1', '5.6', '5.12', '6.12']) {
      const { k, mm, task, buf, wrong } = system(version);
      // The fourth page is the last: behind it nothing is mapped.
      expect(run(regMr(k, task, buf + 2, 0, 3 * PAGE, LOCAL_WRITE))).toBe(-EFAULT);
      expect(run(iommuMap(k, task, REGION.vfio, buf + 2, 0, 0, 3 * PAGE))).toBe(-EFAULT);
      expect(run(umemReg(k, task, buf + 2, 0, 3 * PAGE))).toBeLessThan(0);
      expect(run(qbufUserptr(k, task, buf + 2, 0, 3 * PAGE))).toBe(-EFAULT);
      expect(wrong()).toEqual([]);
      expect([...k.device.kind]).toEqual(Array.from({ length: REGIONS + 1 }, () => 0));
      expect([k.mm.pinnedVm[mm], k.mm.lockedVm[mm], k.device.userLocked[0]]).toEqual([0, 0, 0]);
    }
  });
});

describe('RLIMIT_MEMLOCK', () => {
  test('each counter meets the whole limit, with an error of its own', () => {
    const { k, mm, task, buf } = system();
    k.mm.memlock[mm] = 1 + 1;
    expect(run(regMr(k, task, buf, 0, 2 * PAGE, LOCAL_WRITE))).toBe(-ENOMEM);
    expect(run(regMr(k, task, buf, 0, PAGE, LOCAL_WRITE))).toBe(1);
    expect(run(iommuMap(k, task, REGION.vfio, buf, 0, 0, 2 * PAGE))).toBe(-ENOMEM);
    expect(run(iommuMap(k, task, REGION.vfio, buf, 0, 0, PAGE))).toBe(0);
    expect(run(umemReg(k, task, buf, 0, 2 * PAGE))).toBe(-ENOBUFS);
    expect(run(iommuMap(k, task, REGION.iommufd, buf, 0, 0, PAGE))).toBe(0);
    expect(run(umemReg(k, task, buf, 0, PAGE))).toBe(-ENOBUFS);
    expect(run(qbufUserptr(k, task, buf, 0, 4 * PAGE))).toBeGreaterThan(0);
  });

  test('mlock: -EPERM at a limit of 0, -ENOMEM above it; what is locked already does not count again', () => {
    const { k, mm, task, buf } = system();
    k.mm.memlock[mm] = 1;
    expect(run(sysMlock(k, task, buf, 1))).toBe(-EPERM);
    k.mm.memlock[mm] = 1 + 2;
    expect(run(sysMlock(k, task, buf, 3))).toBe(-ENOMEM);
    expect(run(sysMlock(k, task, buf, 2))).toBe(0);
    expect(run(sysMlock(k, task, buf, 2))).toBe(0);
    expect(run(sysMlock(k, task, buf + 1, 2))).toBe(-ENOMEM);
  });
});

test('bad arguments and gone registrations', () => {
  const { k, task, buf } = system();
  expect(run(regMr(k, task, buf, 0, 0, LOCAL_WRITE))).toBe(-EINVAL);
  expect(run(regMr(k, task, buf, 0, PAGE, REMOTE_WRITE))).toBe(-EINVAL);
  expect(run(regMr(k, task, buf, 0, PAGE, ON_DEMAND))).toBe(-EOPNOTSUPP);
  expect(run(deregMr(k, 1))).toBe(-EINVAL);
  const mr = run(regMr(k, task, buf, 0, PAGE, 0));
  expect(run(rdmaRead(k, mr, 0))).toBe(1);
  expect(run(rdmaRead(k, mr, PAGE))).toBe(-EFAULT);
  expect(run(rdmaWrite(k, mr, 0, 1))).toBe(-EFAULT);
  expect(run(umemUnreg(k, mr))).toBe(-EINVAL);
  expect(run(dqbuf(k, mr))).toBe(-EINVAL);
  expect(run(deregMr(k, mr))).toBe(0);
  expect(run(rdmaRead(k, mr, 0))).toBe(-EINVAL);
  expect(run(umemReg(k, task, buf, 8, PAGE))).toBe(-EINVAL);
  expect(run(iommuMap(k, task, REGION.vfio, buf, 0, 0x1001, PAGE))).toBe(-EINVAL);
  expect(run(iommuMap(k, task, REGION.vfio, buf, 0, 0x1000, PAGE))).toBe(0);
  expect(run(iommuMap(k, task, REGION.vfio, buf, 0, 0x1000, PAGE))).toBe(-EEXIST);
  expect(run(iommuUnmap(k, REGION.vfio, 0x1000, 2 * PAGE))).toBe(-EINVAL);
  expect(run(iommuRead(k, 0x9000))).toBe(-EFAULT);
});
