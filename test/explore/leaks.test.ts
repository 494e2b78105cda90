/** Pins that nobody can release any more, and bugs of page pointers. */
import { describe, expect, test } from 'vitest';
import { checkText, PAGE } from './check-text.ts';
import { witnessOf } from './witness.ts';

const INIT = `{ char *buf = ${PAGE}; struct page *pages[2]; buf[0] = 1; }`;

const problems = (threads: string, condition = 'exists (0:r0=1)'): readonly string[] =>
  checkText('6.12', `C text\n${INIT}\n${threads}\n${condition}\n`).problems;

const LEAK = /^leak: page frame \d+ is pinned and nobody knows of it any more$/;
const PIN = 'kernel: pin_user_pages_fast(buf, 1, FOLL_WRITE,';

describe('a pin is lost', () => {
  test('with the block that its array was declared in', () => {
    const found = problems(
      `P0() { r0 = 1; kernel: { struct page *own[1]; pin_user_pages_fast(buf, 1, FOLL_WRITE, own); } }`,
    );
    expect(found).toEqual([expect.stringMatching(LEAK)]);
  });

  test('with the process whose body declared its array', () => {
    const child = `struct page *own[1]; ${PIN} own);`;
    for (const end of ['', 'exit();']) {
      const found = problems(`P0() { r0 = 1; fork(P1); wait(P1); }\nP1() { ${child} ${end} }`);
      expect(found).toEqual([expect.stringMatching(LEAK)]);
    }
  });

  test('with a thread that a signal ends', () => {
    const found = problems(
      `P0() { r0 = 1; struct page *own[1]; ${PIN} own); munmap(buf, PAGE_SIZE); buf[0] = 2; }`,
    );
    expect(found).toEqual([expect.stringMatching(LEAK)]);
  });
});

describe('a pin is not lost', () => {
  test('while the array of a body that has just ended is there', () => {
    expect(problems(`P0() { r0 = 1; struct page *own[1]; ${PIN} own); }`)).toEqual([]);
  });

  test('by the end of a process when kernel memory of the initial block knows of it', () => {
    const found = problems(`P0() { r0 = 1; fork(P1); wait(P1); }\nP1() { ${PIN} pages); exit(); }`);
    expect(found).toEqual([]);
  });

  test('when it was released before the block ended', () => {
    const found = problems(
      `P0() { r0 = 1; kernel: { struct page *own[1]; pin_user_pages_fast(buf, 1, FOLL_WRITE, own); unpin_user_page(own[0]); } }`,
    );
    expect(found).toEqual([]);
  });
});

describe('page pointers', () => {
  test.each(['put_page', 'unpin_user_page', 'page_ref_count', 'get_page'])(
    '%s(NULL) names no page frame',
    (call) => {
      expect(problems(`P0() { r0 = 1; kernel: ${call}(pages[0]); }`)).toEqual(['noPage']);
    },
  );

  test('a reference that belongs to a mapping is dropped: the page is freed while it is mapped', () => {
    const text = `C text\n${INIT}\nP0() { r0 = 1; kernel: get_user_pages_fast(buf, 1, FOLL_WRITE, pages);
      kernel: put_page(pages[0]); kernel: put_page(pages[0]); }\nexists (0:r0=1)\n`;
    const { end } = witnessOf(text, '6.12');
    expect(end.text).toMatch(/^freeMapped \(page frame \d+\)$/);
  });
});
