/** What single calls answer, where a test of one thread shows it. */
import { describe, expect, test } from 'vitest';
import { checkText, outcome, PAGE } from './check-text.ts';

const NEW_FILE = `int fd = open("/ext4/new", O_RDWR | O_CREAT | O_TRUNC | O_DIRECT); char *buf = ${PAGE}; buf[0] = 3;`;

describe('pipes', () => {
  test.each(['4.4', '6.12'])('have no position: pread is -ESPIPE (%s)', (kernel) => {
    const body =
      'r0 = pread(p[0], 1, 0); r1 = pread(p[0], buf, 1, 0); r2 = fallocate(p[1], 0, 0, 1);';
    expect(outcome(kernel, `int p[2] = pipe(); char *buf = ${PAGE};`, body, 'r0 r1 r2')).toBe(
      'r0=-29; r1=-29; r2=-29;',
    );
  });

  test('F_GETPIPE_SZ and F_SETPIPE_SZ are in bytes, of whole pages, a power of two of them', () => {
    const body = `r0 = fcntl(p[1], F_GETPIPE_SZ, 0); r1 = fcntl(p[0], F_SETPIPE_SZ, 3 * PAGE_SIZE);
      r2 = fcntl(p[1], F_GETPIPE_SZ, 0); r3 = vmsplice(p[1], buf, PAGE_SIZE, 0); r4 = vmsplice(p[1], buf, PAGE_SIZE, 0);
      r5 = fcntl(p[1], F_SETPIPE_SZ, 1); r6 = fcntl(p[1], F_SETPIPE_SZ, 999999999); r7 = fcntl(p[1], F_SETPIPE_SZ, -1);`;
    expect(
      outcome('6.12', `int p[2] = pipe(); char *buf = ${PAGE};`, body, 'r0 r1 r2 r3 r4 r5 r6 r7'),
    ).toBe('r0=65536; r1=16384; r2=16384; r3=4096; r4=4096; r5=-16; r6=-1; r7=-22;');
  });

  test('a pipe that was made smaller is full sooner', () => {
    const body = `fcntl(p[1], F_SETPIPE_SZ, PAGE_SIZE); r0 = vmsplice(p[1], buf, 1, SPLICE_F_NONBLOCK);
      r1 = vmsplice(p[1], buf, 1, SPLICE_F_NONBLOCK);`;
    expect(outcome('6.12', `int p[2] = pipe(); char *buf = ${PAGE};`, body, 'r0 r1')).toBe(
      'r0=1; r1=-11;',
    );
  });

  test('one that is larger than those of the model is not claimed', () => {
    const body = 'r0 = fcntl(p[1], F_SETPIPE_SZ, 32 * PAGE_SIZE);';
    expect(outcome('6.12', 'int p[2] = pipe();', body, 'r0')).toMatch(/a pipe larger than/);
  });

  test('the size of a file is no size of a pipe: -EBADF', () => {
    const body = 'r0 = fcntl(fd, F_GETPIPE_SZ, 0);';
    expect(outcome('6.12', 'int fd = memfd_create("a", 0);', body, 'r0')).toBe('r0=-9;');
  });
});

describe('direct I/O', () => {
  test.each(['4.4', '5.10', '6.12'])(
    'a read from the end of the file on is of 0 bytes (%s)',
    (kernel) => {
      const body = `r0 = pread(fd, buf, PAGE_SIZE, 0); r1 = pread(fd, buf, PAGE_SIZE, 1000 * PAGE_SIZE);
      r2 = buf[0]; r3 = pwrite(fd, buf, 0, 0);`;
      expect(outcome(kernel, NEW_FILE, body, 'r0 r1 r2 r3')).toBe('r0=0; r1=0; r2=3; r3=0;');
    },
  );

  test('a read that begins before the end is of what is there, its last block whole', () => {
    const body = `pwrite(fd, buf, 1024, 0); buf[1500] = 9; buf[0] = 0; r0 = pread(fd, buf, PAGE_SIZE, 512);
      r1 = pread(fd, buf, PAGE_SIZE, 0); r2 = buf[0]; r3 = buf[1500];`;
    expect(outcome('6.12', NEW_FILE, body, 'r0 r1 r2 r3')).toBe('r0=512; r1=1024; r2=3; r3=0;');
  });

  test('io_submit takes every request; what it comes to is the result of io_getevents', () => {
    const body = `r0 = io_submit(IOCB_CMD_PREAD, fd, buf, 512, 0); r1 = io_getevents();
      r2 = io_submit(IOCB_CMD_PREAD, fd, buf, 100, 0); r3 = io_getevents();
      r4 = io_submit(IOCB_CMD_PWRITE, fd, buf, 512, 0); r5 = io_getevents();
      r6 = io_submit(IOCB_CMD_PREAD, fd, 4096, 512, 0); r7 = io_getevents();`;
    expect(outcome('6.12', NEW_FILE, body, 'r0 r1 r2 r3 r4 r5 r6 r7')).toBe(
      'r0=1; r1=0; r2=1; r3=-22; r4=1; r5=512; r6=1; r7=-14;',
    );
  });

  test('read and write while a request of io_submit is under way are their own', () => {
    const body = `io_submit(IOCB_CMD_PWRITE, fd, buf, 512, 0); r0 = pwrite(fd, buf, 512, 512); r1 = io_getevents();`;
    expect(outcome('6.12', NEW_FILE, body, 'r0 r1')).toBe('r0=512; r1=512;');
  });

  test('the disk of the model is small: a write past it claims nothing', () => {
    const body = 'r0 = pwrite(fd, buf, PAGE_SIZE, 1000 * PAGE_SIZE);';
    expect(outcome('6.12', NEW_FILE, body, 'r0')).toMatch(/a write past the last block/);
  });
});

describe('addresses that the model has not got', () => {
  const MAP = 'PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS';
  test.each([
    ['mmap there', `char *b = mmap(0x7f0000000000, PAGE_SIZE, ${MAP} | MAP_FIXED, -1, 0);`],
    ['mmap with a hint', `char *b = mmap(0x7f0000000000, PAGE_SIZE, ${MAP}, -1, 0);`],
    ['16 TiB', `char *b = mmap(NULL, 0x100000000000, ${MAP}, -1, 0);`],
    ['mremap to 16 TiB', 'mremap(a, PAGE_SIZE, 0x100000000000, MREMAP_MAYMOVE);'],
    [
      'mremap to there',
      'mremap(a, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, 0x7f0000000000);',
    ],
  ])('nothing is claimed: %s', (_, body) => {
    expect(outcome('6.12', `char *a = ${PAGE};`, `${body} r0 = 1;`, 'r0')).toBe(
      'line 3: an address or size above the 8 TiB of user space that the model has',
    );
  });

  test('what lies outside user space is refused as Linux does', () => {
    const body = `r0 = (long)mmap(0x800000000000, PAGE_SIZE, ${MAP} | MAP_FIXED, -1, 0);
      r1 = (long)mmap(NULL, 0x1000000000000, ${MAP}, -1, 0); r2 = munmap(0xfffffffffffff, PAGE_SIZE);
      r3 = (long)mremap(a, PAGE_SIZE, 0x1000000000000, MREMAP_MAYMOVE);`;
    expect(outcome('6.12', `char *a = ${PAGE};`, body, 'r0 r1 r2 r3')).toBe(
      'r0=-12; r1=-12; r2=-22; r3=-12;',
    );
  });
});

describe('files that are there already', () => {
  test('O_CREAT | O_EXCL is -EEXIST', () => {
    const body =
      'r0 = open("/tmpfs/f", O_RDWR | O_CREAT | O_EXCL); r1 = open("/tmpfs/g", O_RDWR | O_EXCL | O_CREAT);';
    expect(outcome('6.12', 'int fd = open("/tmpfs/f", O_RDWR | O_CREAT);', body, 'r0 r1')).toBe(
      'r0=-17; r1=4;',
    );
  });

  test('O_TRUNC empties them', () => {
    const init = `int fd = open("/tmpfs/f", O_RDWR | O_CREAT); char *buf = ${PAGE}; pwrite(fd, buf, 9, 0);`;
    const body =
      'r0 = pread(fd, buf, 9, 0); int again = open("/tmpfs/f", O_RDWR | O_TRUNC); r1 = pread(fd, buf, 9, 0);';
    expect(outcome('6.12', init, body, 'r0 r1')).toBe('r0=9; r1=0;');
  });

  test.each([
    ['6.5', '/tmpfs/f', -22],
    ['6.6', '/tmpfs/f', 3],
    ['6.6', '/hugetlbfs/f', -22],
  ])('S203 at %s %s opens with O_DIRECT: %i', (kernel, path, answer) => {
    const body = `r0 = open("${path}", O_RDWR | O_CREAT | O_DIRECT);`;
    expect(outcome(kernel, '', body, 'r0')).toBe(`r0=${answer};`);
  });
});

describe('memfd_create', () => {
  test('S201 MFD_HUGETLB before 4.14 is a flag that the kernel has not', () => {
    const body = 'r0 = memfd_create("a", MFD_HUGETLB);';
    expect(outcome('4.13', '', body, 'r0')).toBe('this kernel has no MFD_HUGETLB');
    expect(outcome('4.14', '', body, 'r0')).toBe('r0=3;');
  });

  test('S202 sealed against execution for good, or executable; not both', () => {
    const body = `r0 = memfd_create("a", MFD_NOEXEC_SEAL); r1 = fcntl(r0, F_GET_SEALS, 0);
      r2 = memfd_create("b", MFD_EXEC | MFD_ALLOW_SEALING); r3 = fcntl(r2, F_ADD_SEALS, F_SEAL_EXEC);
      r4 = fcntl(r2, F_GET_SEALS, 0); r5 = memfd_create("c", MFD_EXEC | MFD_NOEXEC_SEAL);`;
    expect(outcome('6.3', '', body, 'r0 r1 r2 r3 r4 r5')).toBe(
      'r0=3; r1=32; r2=4; r3=0; r4=62; r5=-22;',
    );
    expect(outcome('6.2', '', body, 'r0')).toBe('this kernel has no MFD_NOEXEC_SEAL');
  });
});

describe('processes', () => {
  const CHILD = (body: string): string =>
    `C text\n{ }\nP0() { fork(P1); ${body} }\nP1() { exit(); }\nexists (0:r0=12345 /\\ 0:r1=12345 /\\ 0:r2=12345)\n`;
  const states = (body: string): string[] =>
    checkText('6.12', CHILD(body)).states.map((s) => s.text);

  test('a child can be waited for once: then -ECHILD, and a signal finds nobody', () => {
    expect(states('r0 = wait(P1); r1 = wait(P1); r2 = kill(P1, SIGKILL);')).toEqual([
      '0:r0=1; 0:r1=-10; 0:r2=-3;',
    ]);
  });

  test('a child that has ended takes signals until then', () => {
    expect(states('r0 = kill(P1, SIGKILL); r1 = wait(P1); r2 = kill(P1, 0);')).toEqual([
      '0:r0=0; 0:r1=1; 0:r2=-3;',
    ]);
  });
});

test('a page cannot be moved to a node that is not there: -ENODEV', () => {
  const body = 'r0 = migrate(buf, 77); r1 = migrate(buf, -1); r2 = migrate(buf, 1);';
  expect(outcome('6.12', `char *buf = ${PAGE}; buf[0] = 1;`, body, 'r0 r1 r2')).toBe(
    'r0=-19; r1=-19; r2=0;',
  );
});
