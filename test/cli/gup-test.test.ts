/** `pinfold gup-test`: the options and the output of the kernel's gup_test. */
import { describe, expect, test } from 'vitest';
import { pinfold } from './run.ts';

const gupTest = (...args: readonly string[]) => {
  const { status, stdout, stderr } = pinfold(['gup-test', ...args]);
  return { status, stderr, text: stdout.replace(/(get|put):\d+/g, '$1:N') };
};

const output = (threads: number, ...lines: readonly string[]) => ({
  status: 0,
  stderr: '',
  text: [
    'TAP version 13',
    `1..${threads}`,
    ...lines,
    ...Array.from({ length: threads }, (_, i) => `ok ${i + 1} ioctl status 0`),
    `# Totals: pass:${threads} fail:0 xfail:0 xpass:0 skip:0 error:0`,
    '',
  ].join('\n'),
});

describe('pinfold gup-test', () => {
  test.each([
    ['-u', 'GUP_FAST_BENCHMARK'],
    ['-a', 'PIN_FAST_BENCHMARK'],
    ['-L', 'PIN_LONGTERM_BENCHMARK'],
  ])('%s: times, as often as -r says', (option, name) => {
    const line = `# ${name}: Time: get:N put:N us# `;
    expect(gupTest(option, '-m', '1', '-r', '2')).toEqual(output(1, line, line));
  });

  test.each([
    ['-U', 'GUP_BASIC_TEST'],
    ['-b', 'PIN_BASIC_TEST'],
  ])('%s: no times, once', (option, name) => {
    expect(gupTest(option, '-m', '1', '-r', '2')).toEqual(output(1, `# ${name}: done`));
  });

  test('every kind of memory, in options written together; the last choice counts', () => {
    const line = '# PIN_FAST_BENCHMARK: Time: get:N put:N us# ';
    for (const args of [
      ['-uaSm1', '-n', '123'],
      ['-Lat', '-m', '4', '-n', '-1'],
      ['-aHS', '-m', '2', '-n512'],
      ['-aW', '-f', '/tmpfs/file', '-m', '1'],
      ['-a', '-Sf', '/hugetlbfs/file', '-m', '3'],
      ['-aSf', '/dev/dax1.0', '-m', '2', '-k', '5.15'],
    ])
      expect(gupTest(...args)).toEqual(output(1, line));
  });

  test('threads, each with its result', () => {
    const line = '# PIN_FAST_BENCHMARK: Time: get:N put:N us# ';
    expect(gupTest('-a', '-j', '2', '-m', '1')).toEqual(output(2, line, line));
  });

  test('a call that is refused makes the range short', () => {
    // FOLL_PIN does not come from a call site.
    expect(gupTest('-a', '-m', '1', '-F', '0x80000')).toEqual(
      output(1, '# PIN_FAST_BENCHMARK: Time: get:N put:N us# , truncated (size: 0)# '),
    );
  });

  test('-c shows page structures: references of a pin, pins of a huge page', () => {
    expect(gupTest('-cpT', '-m', '1', '0', '0x13', '256').text).toMatch(
      /^TAP version 13\n1\.\.1\n# ---- page #0, starting from user virt addr: 0x[0-9a-f]+\n# page: refcount:1025 mapcount:1 pfn:0x[0-9a-f]+\n# ---- page #19, .*\n# page: refcount:1025 .*\n# page #256 is out of range: 256 pages were taken\n# DUMP_USER_PAGES_TEST: done\nok 1 /,
    );
    expect(gupTest('-cpt', '-m', '2').text).toMatch(
      /# page: refcount:513 mapcount:1 .*\n# head: pfn:0x\w+ order:9 pincount:512\n/,
    );
  });

  test('before 5.6 there is nothing but get_user_pages()', () => {
    expect(gupTest('-k', '4.15', '-m', '1').status).toBe(0);
    expect(gupTest('-k', '5.5', '-a', '-m', '1')).toEqual({
      status: 2,
      text: '',
      stderr:
        'pinfold: error C016: -k 5.5: no pin_user_pages() there; 5.6 is the first that has it\n',
    });
  });

  test.each([
    [['-m', 'x'], 'error C002: -m x: write a whole number from 1 on'],
    [['-m', '0'], 'error C002: -m 0: write a whole number from 1 on'],
    [['-m', '2000000'], 'error C002: -m 2000000: at most 1048576'],
    [['-n', '0'], 'error C002: -n 0: write how many pages, or -1 for all'],
    [['-j', '31'], 'error C002: -j 31: at most 30'],
    [['-F', '0x40000000'], 'error C002: -F 0x40000000: a bit of it is no flag of 7.3'],
    [['-F', '1f'], 'error C002: -F 1f: write a whole number, such as 1 or 0x1'],
    [
      ['-f', '/etc/passwd'],
      'error C003: -f /etc/passwd: write /dev/zero, /dev/dax0.0, or a path below /tmpfs or /hugetlbfs',
    ],
    [['-f', '/dev/dax0.0'], 'error C006: -f /dev/dax*: such a device is mapped with -S only'],
    [['-k', '5.4,5.5'], 'error C011: -k 5.4,5.5 names several kernels; name one'],
  ])('%j is refused', (args, message) => {
    expect(gupTest(...args)).toEqual({ status: 2, text: '', stderr: `pinfold: ${message}\n` });
  });
});
