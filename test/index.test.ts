import { describe, expect, test } from 'vitest';
import {
  allKernels,
  boot,
  bugName,
  Checker,
  dupMm,
  FOLL,
  folioMaybeDmaPinned,
  headOf,
  kmalloc,
  leafPfn,
  MAP,
  newTask,
  PROT,
  pageByte,
  parse,
  pinUserPagesFast,
  print,
  renderDiagnostics,
  rulesFor,
  setPageByte,
  sysMmap,
  sysMunmap,
  unpinUserPage,
  unpinUserPages,
  userAccess,
  VMSTAT,
  vmstatSum,
} from '../src/index.ts';

const ANON = MAP.private | MAP.anonymous;
const RW = PROT.read | PROT.write;

/** Stores a byte as the program would. */
const store = (
  { k, task }: Pick<ReturnType<typeof boot>, 'k' | 'task'>,
  vpn: number,
  byte: number,
): void => {
  const pfn = userAccess(k, task, vpn, true);
  expect(pfn).toBeGreaterThan(0);
  setPageByte(k, pfn, 0, byte);
};

describe('the package as a TypeScript programmer uses it', () => {
  test('boot, mmap, touch, pin, unpin, counters', () => {
    const { k, task, mm } = boot('6.12');
    const start = sysMmap(k, task, 0, 4, RW, ANON, 0, 0);
    expect(start).toBeGreaterThan(0);
    store({ k, task }, start, 42);
    const pages = kmalloc(k, 4);
    expect(pinUserPagesFast(k, task, start, 4, FOLL.write, pages)).toBe(4);
    const pfn = k.kmem[pages] as number;
    expect(pfn).toBe(leafPfn(k, mm, start));
    expect(pageByte(k, pfn, 0)).toBe(42);
    expect(k.page.refcount[pfn]).toBe(1 + 1024);
    expect(folioMaybeDmaPinned(k, headOf(k, pfn))).toBe(true);
    expect(vmstatSum(k, VMSTAT.nr_foll_pin_acquired)).toBe(4);
    unpinUserPages(k, pages, 4);
    expect(vmstatSum(k, VMSTAT.nr_foll_pin_released)).toBe(4);
    expect(k.page.refcount[pfn]).toBe(1);
    expect(sysMunmap(k, task, start, 4)).toBe(0);
    expect(k.page.refcount[pfn]).toBe(0);
    expect(bugName(k.report[0] as number)).toBe('none');
  });

  test.each([
    ['5.8', false],
    ['5.9', true],
  ])('a pin, a fork and a write: at %s the pin follows the parent: %s', (kernel, follows) => {
    const { k, task, mm } = boot(kernel);
    const start = sysMmap(k, task, 0, 1, RW, ANON, 0, 0);
    store({ k, task }, start, 1);
    const pages = kmalloc(k, 1);
    expect(pinUserPagesFast(k, task, start, 1, FOLL.write, pages)).toBe(1);
    const child = newTask(k, 0, 1);
    expect(dupMm(k, task, child)).toBeGreaterThan(0);
    store({ k, task }, start, 2);
    const pinned = k.kmem[pages] as number;
    expect(leafPfn(k, mm, start) === pinned).toBe(follows);
    expect(pageByte(k, pinned, 0)).toBe(follows ? 2 : 1);
    unpinUserPage(k, pinned);
    expect(k.report[0]).toBe(0);
  });

  test('errors are the kernel errno, negative', () => {
    const { k, task } = boot('6.12');
    expect(pinUserPagesFast(k, task, 12345, 1, FOLL.write, kmalloc(k, 1))).toBe(-14);
  });

  test('an unknown kernel is a RangeError that names it', () => {
    expect(() => boot('6.99')).toThrow(new RangeError("unknown kernel '6.99'"));
  });

  test('too little memory is a RangeError', () => {
    expect(() => boot('6.12', { areas: [{ pages: 2 }] })).toThrow(RangeError);
  });
});

const TEXT = `C two-writes
{
  char *buf = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  buf[0] = 0;
}
P0()
{
  buf[0] = 1;
}
P1()
{
  buf[0] = 2;
}
exists (0:buf[0]=1)
`;

describe('litmus tests from a program', () => {
  test('parse, check, print', () => {
    const { checked, test: tree } = parse(TEXT, 'two-writes.litmus');
    if (checked === undefined || tree === undefined) throw new Error('does not parse');
    const verdict = new Checker(checked).check('6.12');
    expect(verdict.observation).toBe('Sometimes');
    expect(verdict.states.map((s) => s.text).sort()).toEqual(['0:buf[0]=1;', '0:buf[0]=2;']);
    expect(verdict.expected).toBeNull();
    const again = parse(print(tree), 'again.litmus');
    expect(again.diagnostics).toEqual([]);
    expect(again.test?.name).toBe('two-writes');
  });

  test('what is wrong comes as data, with a way to show it', () => {
    const bad = TEXT.replace('buf[0] = 2', 'bug[0] = 2');
    const { checked, diagnostics } = parse(bad, 'bad.litmus');
    expect(checked).toBeUndefined();
    expect(diagnostics.map((d) => [d.code, d.span.line, d.span.column])).toEqual([['L040', 12, 3]]);
    expect(renderDiagnostics(diagnostics, bad)).toContain('bad.litmus:12:3: error L040');
  });

  test('kernels and their rules', () => {
    expect(allKernels.at(0)).toBe('4.4');
    expect(rulesFor('5.8').cow.smallReuse).toBe('mapcount');
    expect(rulesFor('5.9').cow.smallReuse).toBe('refcount1');
    expect(rulesFor('5.19').cow.smallReuse).toBe('exclusive');
  });
});
