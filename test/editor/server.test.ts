import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  CodeAction,
  CompletionItem,
  DocumentHighlight,
  DocumentSymbol,
  Hover,
  InitializeResult,
  Location,
  Position,
  SignatureHelp,
  TextEdit,
  WorkspaceEdit,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { MMAP } from '../litmus/helpers.ts';
import { Client } from './client.ts';

const URI = 'file:///t.litmus';
const TEXT = `C t

(* Zeichen: 😀
 * Result: Always (>= 5.8)
 *)

{
  char *buf = ${MMAP};
  struct page *pages[1];
  int p[2] = pipe();
}

P0()
{
  fork(P1);
  await(gone); /* 😀😀 */ r1 = p[0];
  kernel: r0 = pin_user_pages_fast(buf, 1, FOLL_WRITE | FOLL_LONGTERM, pages);
  post(written);
}

P1()
{
  post(gone);
  await(written);
  r0 = read(p[0], 1);
}

exists (0:r0=1 /\\ 1:r0=-EFAULT /\\ pinned(0:buf))
`;
const document = TextDocument.create(URI, 'l', 1, TEXT);

/** The position of the nth occurrence of a text, `ahead` characters into it. */
const where = (needle: string, nth = 0, ahead = 1, text = TEXT): Position => {
  let at = -1;
  for (let i = 0; i <= nth; i++) at = text.indexOf(needle, at + 1);
  if (at < 0) throw new Error(`no '${needle}' in the text`);
  return TextDocument.create(URI, 'l', 1, text).positionAt(at + ahead);
};
const textAt = (l: { range: Location['range'] }): string => document.getText(l.range);
const lines = (list: readonly { range: Location['range'] }[] | null): number[] =>
  (list ?? []).map((l) => l.range.start.line + 1);

describe('the language server, over its standard input and output', () => {
  const client = new Client();
  let initialized: InitializeResult;
  beforeAll(async () => {
    initialized = (await client.start()) as InitializeResult;
    await client.open(URI, TEXT);
  });
  afterAll(async () => {
    expect(await client.stop()).toBe(0);
    expect(client.errors).toBe('');
  });

  test('says what it can do, in UTF-16', () => {
    expect(initialized.capabilities).toMatchObject({
      positionEncoding: 'utf-16',
      hoverProvider: true,
      renameProvider: { prepareProvider: true },
      documentFormattingProvider: true,
    });
    expect(initialized.serverInfo?.version).toMatch(/^\d+\.\d+/);
  });

  test('a good text has nothing wrong with it', async () => {
    expect((await client.diagnostics(URI, 1)).diagnostics).toEqual([]);
  });

  test('all errors at once, with codes and UTF-16 ranges, and none after the fix', async () => {
    const uri = 'file:///bad.litmus';
    const bad = TEXT.replace('/* 😀😀 */ r1 = p[0]', '/* 😀😀 */ r1 = q[0]').replace(
      'fork(P1)',
      'fork(P7)',
    );
    const { diagnostics } = await client.open(uri, bad);
    expect(diagnostics.map((d) => d.code)).toEqual(['L060', 'L040']);
    const [, q] = diagnostics;
    const column = '  await(gone); /* 😀😀 */ r1 = '.length;
    expect(q?.range).toEqual({
      start: { line: 15, character: column },
      end: { line: 15, character: column + 1 },
    });
    expect(q?.message).toBe(
      '`q` is not declared\nhint: declare it in the initial block, or assign it first',
    );
    client.notify('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [
        { range: q?.range, text: 'p' },
        {
          range: { start: where('P7', 0, 0, bad), end: where('P7', 0, 2, bad) },
          text: 'P1',
        },
      ],
    });
    expect((await client.diagnostics(uri, 2)).diagnostics).toEqual([]);
  });

  test('quick fix of a name that was meant', async () => {
    const uri = 'file:///fix.litmus';
    const bad = TEXT.replace('post(gone)', 'munmop(buf, PAGE_SIZE);\n  post(gone)');
    const { diagnostics } = await client.open(uri, bad);
    expect(diagnostics.map((d) => d.code)).toEqual(['L041']);
    const range = diagnostics[0]?.range;
    const actions = await client.request<CodeAction[]>('textDocument/codeAction', {
      textDocument: { uri },
      range,
      context: { diagnostics },
    });
    expect(actions.map((a) => a.title)).toEqual(['Replace `munmop` by `munmap`']);
    expect(actions[0]?.edit?.changes?.[uri]?.[0]?.newText).toBe('munmap');
  });

  test.each([
    ['pin_user_pages_fast', ['int pin_user_pages_fast(', 'lockless', '-EFAULT', 'below `kernel:`']],
    ['read(', ['byte read(fd fd, size count)', 'int read(fd fd, address buf, size count)']],
    ['FOLL_LONGTERM', ['FOLL_LONGTERM = 256 = 0x100', 'family FOLL']],
    ['EFAULT', ['EFAULT = 14', 'error number']],
    ['pinned', ['pinned(page)', 'ledger']],
    ['buf', ['char *buf', 'initial block']],
    ['r0', ['long r0', 'Register of P0']],
    ['P1', ['P1()', 'that P0 forks']],
    ['gone', ['event']],
  ])('hover on %s', async (name, wanted) => {
    const hover = await client.at<Hover>('hover', URI, where(name));
    const { value } = hover.contents as { value: string };
    for (const w of wanted) expect(value).toContain(w);
    expect(textAt({ range: hover.range ?? expect.fail('no range') })).toBe(name.replace('(', ''));
  });

  test('hover on punctuation and comments is nothing', async () => {
    expect(await client.at('hover', URI, where('Zeichen'))).toBeNull();
    expect(await client.at('hover', URI, where(');', 0, 1))).toBeNull();
  });

  test('definition and references of a variable, a register, a thread, an event', async () => {
    const definition = async (p: Position): Promise<number[]> =>
      lines(await client.at<Location[]>('definition', URI, p));
    expect(await definition(where('pages);'))).toEqual([9]);
    expect(await definition(where('1:r0', 0, 3))).toEqual([25]);
    expect(await definition(where('0:r0', 0, 3))).toEqual([17]);
    expect(await definition(where('fork(P1', 0, 6))).toEqual([21]);
    expect(await definition(where('1:r0', 0, 0))).toEqual([21]);
    expect(await definition(where('gone'))).toEqual([23]);
    const refs = async (p: Position, includeDeclaration: boolean): Promise<number[]> =>
      lines(await client.at<Location[]>('references', URI, p, { context: { includeDeclaration } }));
    expect(await refs(where('buf'), true)).toEqual([8, 17, 28]);
    expect(await refs(where('buf'), false)).toEqual([17, 28]);
    expect(await refs(where('P1()'), true)).toEqual([15, 21, 28]);
    expect(await refs(where('written'), true)).toEqual([18, 24]);
    expect(await refs(where('p[0]', 0, 0), true)).toEqual([10, 16, 25]);
  });

  test('highlights tell writes from reads', async () => {
    const found = await client.at<DocumentHighlight[]>(
      'documentHighlight',
      URI,
      where('0:r0', 0, 3),
    );
    expect(found.map((h) => h.kind)).toEqual([3, 2]);
  });

  test('rename: a thread with its number in the condition, a register of one thread alone', async () => {
    const edited = async (p: Position, newName: string): Promise<string> => {
      const edit = await client.at<WorkspaceEdit>('rename', URI, p, { newName });
      return TextDocument.applyEdits(document, (edit.changes?.[URI] ?? []) as TextEdit[]);
    };
    expect(await edited(where('P1()'), 'P5')).toBe(
      TEXT.replaceAll('P1', 'P5').replace('1:r0=-E', '5:r0=-E'),
    );
    expect(await edited(where('1:r0', 0, 3), 'got')).toBe(
      TEXT.replace('r0 = read', 'got = read').replace('1:r0', '1:got'),
    );
    expect(await edited(where('buf'), 'memory')).toBe(TEXT.replaceAll('buf', 'memory'));
    expect(await edited(where('gone'), 'unmapped')).toBe(TEXT.replaceAll('gone', 'unmapped'));
  });

  test.each([
    ['buf', 'pages', 'means something else'],
    ['buf', 'r0', 'means something else'],
    ['buf', 'mmap', 'is a call'],
    ['buf', 'int', 'is a type'],
    ['buf', 'two words', 'is no name'],
    ['P1()', 'P0', 'there is a P0 already'],
    ['P1()', 'worker', 'is called P0, P1'],
  ])('rename of %s to %s is refused', async (name, newName, why) => {
    const answer = await client.ask('textDocument/rename', {
      textDocument: { uri: URI },
      position: where(name),
      newName,
    });
    expect(answer.error?.message).toContain(why);
  });

  test('a rename starts only on a name of the test', async () => {
    expect(await client.at('prepareRename', URI, where('mmap'))).toBeNull();
    expect(await client.at('prepareRename', URI, where('PROT_READ'))).toBeNull();
    expect(await client.at('prepareRename', URI, where('buf'))).toMatchObject({
      placeholder: 'buf',
    });
  });

  test('outline', async () => {
    const [root] = await client.request<DocumentSymbol[]>('textDocument/documentSymbol', {
      textDocument: { uri: URI },
    });
    expect(root?.name).toBe('t');
    expect(root?.children?.map((c) => [c.name, c.children?.map((v) => v.name)])).toEqual([
      ['initial block', ['buf', 'pages', 'p']],
      ['P0', ['r1', 'r0']],
      ['P1', ['r0']],
      ['exists', undefined],
    ]);
    for (const c of root?.children ?? []) {
      const inside = (a: Position, b: Position): boolean =>
        a.line < b.line || (a.line === b.line && a.character <= b.character);
      expect(inside(c.range.start, c.selectionRange.start)).toBe(true);
      expect(inside(c.selectionRange.end, c.range.end)).toBe(true);
    }
  });

  test('signature help counts the arguments', async () => {
    const help = await client.at<SignatureHelp>('signatureHelp', URI, where('FOLL_WRITE'));
    expect(help.activeParameter).toBe(2);
    const [signature] = help.signatures;
    const place = signature?.parameters?.[2]?.label as [number, number];
    expect(signature?.label.slice(...place)).toBe('FOLL gup_flags');
  });

  test('formatting: the canonical text; nothing for a text with errors', async () => {
    const uri = 'file:///loose.litmus';
    const loose = TEXT.replace('  post(gone);\n', 'post( gone )  ;  // why\n');
    await client.open(uri, loose);
    const options = { tabSize: 2, insertSpaces: true };
    const edits = await client.request<TextEdit[]>('textDocument/formatting', {
      textDocument: { uri },
      options,
    });
    const formatted = TextDocument.applyEdits(TextDocument.create(uri, 'l', 1, loose), edits);
    expect(formatted).toContain('\n  post(gone); // why\n');
    const broken = 'file:///broken.litmus';
    await client.open(broken, TEXT.replace('post(gone);', 'post(gone'));
    expect(
      await client.request('textDocument/formatting', { textDocument: { uri: broken }, options }),
    ).toBeNull();
  });

  let opened = 0;
  /** Completions where `¦` stands in the text. */
  const complete = async (marked: string): Promise<CompletionItem[]> => {
    const uri = `file:///c${opened++}.litmus`;
    const at = marked.indexOf('¦');
    const text = marked.slice(0, at) + marked.slice(at + 1);
    await client.open(uri, text);
    const position = TextDocument.create(uri, 'l', 1, text).positionAt(at);
    const items = await client.at<CompletionItem[]>('completion', uri, position);
    return items.toSorted((a, b) => ((a.sortText ?? a.label) < (b.sortText ?? b.label) ? -1 : 1));
  };
  const labels = async (marked: string): Promise<string[]> =>
    (await complete(marked)).map((i) => i.label);
  const inP0 = (body: string): string =>
    TEXT.replace('post(written);', `post(written);\n  ${body}`);

  test('completion: flags of the parameter, and of no other', async () => {
    const found = await labels(inP0('munmap(buf, 1); madvise(buf, PAGE_SIZE, M¦'));
    expect(found).toContain('MADV_DONTNEED');
    expect(found.filter((l) => /^(PROT|MAP|FOLL|E[A-Z])/.test(l))).toEqual([]);
    const more = await labels(inP0('kernel: get_user_pages(buf, 1, FOLL_WRITE | ¦, pages);'));
    expect(more).toContain('FOLL_FORCE');
    expect(more).not.toContain('MADV_DONTNEED');
  });

  test('completion: calls with a snippet of their parameters', async () => {
    const items = await complete(inP0('mprot¦'));
    const mprotect = items.find((i) => i.label === 'mprotect');
    expect(mprotect).toMatchObject({
      insertText: `mprotect(\${1:addr}, \${2:length}, \${3:prot});$0`,
      insertTextFormat: 2,
      detail: 'int mprotect(address addr, size length, PROT prot)',
    });
    expect(items.find((i) => i.label === 'unpin_user_page')?.insertText).toBe(
      `kernel: unpin_user_page(\${1:page});$0`,
    );
    const kernel = await complete(inP0('kernel: u¦'));
    expect(kernel.find((i) => i.label === 'unpin_user_page')?.insertText).toMatch(/^unpin/);
    expect(kernel.map((i) => i.label)).not.toContain('munmap');
    const value = await complete(inP0('r2 = u¦'));
    expect(value.map((i) => i.label)).not.toContain('unpin_user_page');
  });

  test('completion: threads, events, variables where they belong', async () => {
    expect(await labels(inP0('wait(¦)'))).toEqual(['P0', 'P1']);
    expect(await labels(inP0('await(¦)'))).toEqual(['gone', 'written']);
    const pages = await labels(inP0('kernel: unpin_user_pages(¦, 1);'));
    expect(pages[0]).toBe('pages');
    expect(pages.indexOf('NULL')).toBeGreaterThan(0);
    const statement = await labels(inP0('¦'));
    for (const l of ['buf', 'r0', 'for', 'mmap', 'kernel:']) expect(statement).toContain(l);
  });

  test('completion: conditions', async () => {
    const condition = (c: string): string => TEXT.replace(/exists .*/, `exists (${c}`);
    const term = await labels(condition('¦'));
    for (const l of ['0:', '0:r0', '1:r0', '0:buf', 'pinned', 'nr_foll_pin_acquired', 'disk'])
      expect(term).toContain(l);
    expect(term).not.toContain('1:r1');
    const own = await labels(condition('0:r0=1 /\\\\ 1:¦'));
    expect(own).toEqual(['buf', 'p', 'pages', 'r0']);
    const value = await complete(condition('1:r0=¦'));
    expect(value[0]?.insertText).toBe('-E2BIG');
  });

  test('completion: comments, between the parts, the empty file', async () => {
    expect(await labels(TEXT.replace('Result: Always', 'Result: ¦'))).toEqual([
      'Always',
      'Bug',
      'Deadlock',
      'Never',
      'Sometimes',
      'Unsupported',
    ]);
    expect(await labels(TEXT.replace('Zeichen: 😀', 'Zeichen: 😀 ¦'))).toEqual([]);
    expect(await labels(TEXT.replace('exists (', '¦\n\nexists ('))).toContain('P2');
    expect(await labels('¦')).toContain('C');
    expect(await labels('C t\n{\n  char *b = mmap(¦')).toContain('NULL');
  });

  test('every offset of every prefix of a test is answered', async () => {
    const uri = 'file:///walk.litmus';
    await client.open(uri, '');
    let version = 1;
    for (let length = 0; length < TEXT.length; length += 23) {
      const text = TEXT.slice(0, length);
      client.notify('textDocument/didChange', {
        textDocument: { uri, version: ++version },
        contentChanges: [{ text }],
      });
      const position = TextDocument.create(uri, 'l', 1, text).positionAt(length);
      for (const method of [
        'completion',
        'hover',
        'signatureHelp',
        'definition',
        'documentHighlight',
      ])
        expect(
          (await client.ask(`textDocument/${method}`, { textDocument: { uri }, position })).error,
        ).toBeUndefined();
      const outline = await client.ask('textDocument/documentSymbol', { textDocument: { uri } });
      expect(outline.error).toBeUndefined();
    }
  });
});

test('an editor without snippets gets plain names', async () => {
  const client = new Client();
  await client.start(false);
  const text = TEXT.replace('post(written);', 'mprot');
  await client.open(URI, text);
  const items = await client.at<CompletionItem[]>('completion', URI, where('mprot', 0, 5, text));
  expect(items.find((i) => i.label === 'mprotect')?.insertText).toBe('mprotect');
  expect(items.some((i) => i.insertText?.includes('$'))).toBe(false);
  await client.stop();
});

test('the server ends with its editor', async () => {
  const client = new Client();
  await client.start();
  expect(await client.abandon()).not.toBeNull();
});
