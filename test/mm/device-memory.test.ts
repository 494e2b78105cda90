import { describe, expect, test } from 'vitest';
import type { RuleOverrides } from '../../src/kernels/index.ts';
import { withOverrides } from '../../src/kernels/index.ts';
import { PTE, PTE_HI } from '../../src/machine/entry.ts';
import { EFAULT, EINVAL, EOPNOTSUPP, EREMOTEIO } from '../../src/machine/errno.ts';
import { HPAGE_PUD_ORDER } from '../../src/machine/page.ts';
import { BUG } from '../../src/machine/report.ts';
import { audit, newHeld } from '../../src/mm/audit.ts';
import { deviceStart } from '../../src/mm/dev-pagemap.ts';
import { daxTeardown } from '../../src/mm/device-dax.ts';
import { DEVICE, PGMAP, pgmapWord } from '../../src/mm/device-tables.ts';
import { newFile } from '../../src/mm/file-refs.ts';
import { sysFtruncate } from '../../src/mm/file-size.ts';
import { FILE } from '../../src/mm/file-tables.ts';
import { FOLL } from '../../src/mm/foll.ts';
import {
  getUserPages,
  getUserPagesFast,
  pinUserPages,
  pinUserPagesFast,
} from '../../src/mm/gup.ts';
import { bootKernel, type Kernel, kmalloc, newTask } from '../../src/mm/kernel.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { migrateToDevice } from '../../src/mm/migrate-device.ts';
import { mmAlloc } from '../../src/mm/mm-alloc.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { pmdEntry, pteEntry } from '../../src/mm/pgtable.ts';
import { unpinUserPage, unpinUserPages } from '../../src/mm/unpin.ts';
import { run } from './run.ts';

/** Pages of the device: 64, or so many that an entry of device-dax maps 2 MiB, or 1 GiB. */
const SMALL = 64;
const HUGE = 4096;
const GIGA = 4 << HPAGE_PUD_ORDER;

/** A process on a machine with memory of a device. */
function world(version: string, pages = SMALL, overrides: RuleOverrides = {}) {
  const k = bootKernel({
    rules: withOverrides(version, overrides),
    areas: [{ pages: 4096 }, { pages, device: true, giga: pages === GIGA }],
    vmas: 24,
    files: 8,
    slots: Math.min(8192, 4096 + pages),
  });
  const mm = run(mmAlloc(k));
  const task = newTask(k, mm, 0);
  const clean = (held = newHeld(k)) => expect(audit(k, held)).toEqual([]);
  return { k, mm, task, words: kmalloc(k, 1024), clean };
}

type World = ReturnType<typeof world>;

/** A file of `kind` with `pages` pages, mapped shared and writable; [file, first page]. */
function mapped(w: World, kind: number, pages: number): [number, number] {
  const file = run(newFile(w.k, kind));
  w.k.file.pages[file] = pages;
  if (kind === FILE.devdax) w.k.file.order[file] = w.k.zoneDevice.order;
  const prot = PROT.read | PROT.write;
  const vpn = run(sysMmap(w.k, w.task, 0, pages, prot, MAP.shared, file, 0));
  expect(vpn).toBeGreaterThan(0);
  return [file, vpn];
}

function heldFile(k: Kernel, file: number) {
  const held = newHeld(k);
  held.files[file] = 1;
  return held;
}

const bugOf = (k: Kernel): number => k.report[0] ?? 0;

describe('files on persistent memory', () => {
  test.each([
    ['6.12', PTE_HI.devmap, 1, 0],
    ['6.15', 0, 1, 1],
  ])(
    'S220 at %s a mapping: devmap bit %i, references %i, mappings %i',
    (version, bit, refs, maps) => {
      const w = world(version);
      const [file, vpn] = mapped(w, FILE.daxXfs, 2);
      const pfn = run(userAccess(w.k, w.task, vpn, true));
      expect(pfn).toBe(deviceStart(w.k, DEVICE.fsdax));
      const e = pteEntry(w.k, w.mm, vpn);
      expect((w.k.contents[e + 1] ?? 0) & PTE_HI.devmap).toBe(bit);
      expect([w.k.page.refcount[pfn], w.k.page.mapcount[pfn]]).toEqual([refs, maps]);
      w.clean(heldFile(w.k, file));
      expect(run(sysMunmap(w.k, w.task, vpn, 2))).toBe(0);
      expect([w.k.page.refcount[pfn], w.k.page.mapcount[pfn]]).toEqual([1 - maps, 0]);
      w.clean(heldFile(w.k, file));
    },
  );

  test('A.24.2 a read of a hole maps the page of zeros, a write to it the block', () => {
    const w = world('6.12');
    const [, vpn] = mapped(w, FILE.daxXfs, 1);
    expect(run(userAccess(w.k, w.task, vpn, false))).toBe(w.k.zeroPfn);
    const e = pteEntry(w.k, w.mm, vpn);
    expect((w.k.contents[e] ?? 0) & PTE.special).not.toBe(0);
    expect(run(userAccess(w.k, w.task, vpn, true))).toBe(deviceStart(w.k, DEVICE.fsdax));
  });

  test('behind the end of the file nothing is mapped', () => {
    const w = world('6.12');
    const [file, vpn] = mapped(w, FILE.daxXfs, 2);
    run(sysFtruncate(w.k, file, 1, 0));
    expect(run(userAccess(w.k, w.task, vpn + 1, true))).toBe(-EFAULT);
  });

  test('A.24.4 truncation frees the block, and the next file gets it', () => {
    const w = world('6.15');
    const [file, vpn] = mapped(w, FILE.daxXfs, 1);
    const pfn = run(userAccess(w.k, w.task, vpn, true));
    run(sysFtruncate(w.k, file, 0, 0));
    const [other, at] = mapped(w, FILE.daxXfs, 1);
    expect(run(userAccess(w.k, w.task, at, true))).toBe(pfn);
    expect(w.k.page.mapping[pfn]).toBe(other << 2);
  });

  test.each([
    ['4.14', 1, 1],
    ['5.10', -EOPNOTSUPP, 1],
    ['5.11', -EOPNOTSUPP, 0],
    ['6.18', -EOPNOTSUPP, 0],
  ])(
    'S20 at %s a longterm reference is answered %i; pages taken first: %i',
    (version, answer, taken) => {
      const w = world(version);
      const [, vpn] = mapped(w, FILE.daxXfs, 1);
      const pfn = run(userAccess(w.k, w.task, vpn, true));
      const before = w.k.page.refcount[pfn] ?? 0;
      // Kernels without the flag have plain references only.
      const got =
        version === '4.14'
          ? run(getUserPages(w.k, w.task, vpn, 1, FOLL.write, w.words))
          : run(pinUserPages(w.k, w.task, vpn, 1, FOLL.write | FOLL.longterm, w.words));
      expect(got).toBe(answer);
      expect((w.k.page.refcount[pfn] ?? 0) - before).toBe(answer === 1 ? 1 : 0);
      if (answer !== 1) expect(w.k.vmstat.some((n) => n !== 0)).toBe(taken === 1);
    },
  );
});

describe('device-dax', () => {
  test.each([
    ['5.16', 0],
    ['5.17', -9],
  ])('S72 at %s the first page of 2 MiB says compound %i', (version, compound) => {
    const w = world(version, HUGE);
    expect(w.k.page.compound[deviceStart(w.k, DEVICE.devdax)]).toBe(compound);
  });

  test.each([
    ['5.10', 512],
    ['6.12', 512],
    ['6.18', 1],
  ])(
    'E1 at %s a fast pin of 512 pages of one entry counts %i times',
    (version, changes) => {
      const w = world(version, HUGE);
      const [file, vpn] = mapped(w, FILE.devdax, 512);
      const pfn = run(userAccess(w.k, w.task, vpn, true));
      const steps = pinUserPagesFast(w.k, w.task, vpn, 512, FOLL.write, w.words);
      const head = version === '5.10' ? -1 : pfn;
      let counted = 0;
      let last = Array.from(w.k.page.refcount.subarray(pfn, pfn + 512));
      for (let step = steps.next(); ; step = steps.next()) {
        const now = Array.from(w.k.page.refcount.subarray(pfn, pfn + 512));
        const some = now.some((n, i) => n !== last[i]);
        // A small page's pin is two additions, the second of 1023.
        if (some && !(head === -1 && now.some((n, i) => n - (last[i] ?? 0) === 1023))) counted++;
        last = now;
        if (step.done === true) {
          expect(step.value).toBe(512);
          break;
        }
      }
      expect(counted).toBe(changes);
      run(unpinUserPages(w.k, w.words, 512));
      expect(bugOf(w.k)).toBe(0);
      w.clean(heldFile(w.k, file));
    },
    30_000,
  );

  test('E3 grab-once on memory of single pages counts on the wrong page; the check at insertion forbids the entry', () => {
    const once = world('5.10', HUGE, { 'devmap.walk': 'once' });
    const [, vpn] = mapped(once, FILE.devdax, 512);
    run(userAccess(once.k, once.task, vpn, true));
    expect(run(pinUserPagesFast(once.k, once.task, vpn, 3, FOLL.write, once.words))).toBe(3);
    const first = once.k.kmem[once.words] ?? 0;
    expect(once.k.page.refcount[first]).toBe(1 + 3 * 1024);
    run(unpinUserPage(once.k, first + 1));
    expect(bugOf(once.k)).toBe(BUG.refUnderflow);

    const checked = world('5.10', HUGE, { 'devmap.walk': 'once', 'devmap.insertCheck': true });
    const [, at] = mapped(checked, FILE.devdax, 512);
    expect(run(userAccess(checked.k, checked.task, at, true))).toBe(-EFAULT);
    expect(bugOf(checked.k)).toBe(BUG.badEntry);
    const compound = world('5.17', HUGE, { 'devmap.walk': 'once', 'devmap.insertCheck': true });
    const [, good] = mapped(compound, FILE.devdax, 512);
    expect(run(userAccess(compound.k, compound.task, good, true))).toBeGreaterThan(0);
    expect(bugOf(compound.k)).toBe(0);
  });

  test.each(['5.10', '5.17', '6.14', '6.18'])(
    'S240 at %s one entry maps 1 GiB, is pinned by both walks, and goes whole',
    (version) => {
      const w = world(version, GIGA);
      const pages = 1 << HPAGE_PUD_ORDER;
      const [file, vpn] = mapped(w, FILE.devdax, pages);
      expect(run(userAccess(w.k, w.task, vpn + 1000, true))).toBe(
        deviceStart(w.k, DEVICE.devdax) + 1000,
      );
      expect(pmdEntry(w.k, w.mm, vpn)).toBe(0);
      expect(run(pinUserPagesFast(w.k, w.task, vpn + 511, 3, FOLL.write, w.words))).toBe(3);
      expect(run(pinUserPages(w.k, w.task, vpn + 511, 3, FOLL.write, w.words + 3))).toBe(3);
      expect(w.k.kmem[w.words + 5]).toBe(w.k.kmem[w.words + 2]);
      run(unpinUserPages(w.k, w.words, 6));
      w.clean(heldFile(w.k, file));
      // The device's alignment is that of its mappings, too (S242).
      expect(run(sysMunmap(w.k, w.task, vpn, 512))).toBe(-EINVAL);
      expect(run(sysMunmap(w.k, w.task, vpn, pages))).toBe(0);
      expect(bugOf(w.k)).toBe(0);
      w.clean(heldFile(w.k, file));
    },
    30_000,
  );

  test('E2 after teardown nobody gets a page or its map', () => {
    for (const version of ['5.10', '6.12', '6.18']) {
      const w = world(version);
      const [file, vpn] = mapped(w, FILE.devdax, 4);
      run(userAccess(w.k, w.task, vpn, true));
      expect(run(daxTeardown(w.k, file))).toBe(0);
      expect(w.k.kmem[pgmapWord(DEVICE.devdax)]).toBe(PGMAP.gone);
      expect(run(getUserPagesFast(w.k, w.task, vpn, 1, FOLL.write, w.words))).toBe(-EFAULT);
    }
  });

  test.each([
    ['5.17', 16],
    ['5.18', 0],
  ])('S221 at %s a held page leaves %i references on the page map', (version, refs) => {
    const w = world(version);
    const [, vpn] = mapped(w, FILE.devdax, 4);
    expect(run(getUserPagesFast(w.k, w.task, vpn, 1, FOLL.write, w.words))).toBe(1);
    expect(w.k.kmem[pgmapWord(DEVICE.devdax) + 1]).toBe(refs);
  });
});

describe('memory of PCI devices', () => {
  test('A.9.1 only who says FOLL_PCI_P2PDMA gets it', () => {
    const w = world('6.12');
    const [, vpn] = mapped(w, FILE.p2pmem, 1);
    const pfn = run(userAccess(w.k, w.task, vpn, true));
    expect(run(getUserPages(w.k, w.task, vpn, 1, FOLL.write, w.words))).toBe(-EREMOTEIO);
    const p2p = FOLL.write | FOLL.pciP2pdma;
    expect(run(getUserPagesFast(w.k, w.task, vpn, 1, p2p, w.words))).toBe(1);
    expect(w.k.page.refcount[pfn]).toBe(2);
  });
});

describe('device-private memory', () => {
  test('A.24.8 the page goes to the device and comes back, its counts with it', () => {
    const w = world('6.12');
    const vpn = run(
      sysMmap(w.k, w.task, 0, 1, PROT.read | PROT.write, MAP.private | MAP.anonymous, 0, 0),
    );
    run(userAccess(w.k, w.task, vpn, true));
    expect(run(migrateToDevice(w.k, w.mm, vpn))).toBe(0);
    const there = deviceStart(w.k, DEVICE.private);
    expect([w.k.page.refcount[there], w.k.page.mapcount[there]]).toEqual([1, 1]);
    w.clean();
    run(userAccess(w.k, w.task, vpn, false));
    expect([w.k.page.refcount[there], w.k.page.mapcount[there]]).toEqual([0, 0]);
    w.clean();
    expect(run(migrateToDevice(w.k, w.mm, vpn))).toBe(0);
    run(sysMunmap(w.k, w.task, vpn, 1));
    expect(w.k.page.refcount[there]).toBe(0);
    w.clean();
  });
});
