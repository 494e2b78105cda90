/** A client of the real server process: speaks the protocol over its standard input and output. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Position, PublishDiagnosticsParams } from 'vscode-languageserver';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

export class Client {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (a: Answer) => void>();
  readonly #published: PublishDiagnosticsParams[] = [];
  readonly #listeners: (() => void)[] = [];
  #buffer = Buffer.alloc(0);
  #next = 1;
  errors = '';

  constructor() {
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, 'lsp', '--stdio'],
      { stdio: 'pipe' },
    );
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString();
    });
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const head = this.#buffer.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(
        /Content-Length: (\d+)/i.exec(this.#buffer.toString('ascii', 0, head))?.[1],
      );
      if (this.#buffer.length < head + 4 + length) return;
      const answer = JSON.parse(
        this.#buffer.toString('utf8', head + 4, head + 4 + length),
      ) as Answer;
      this.#buffer = this.#buffer.subarray(head + 4 + length);
      if (answer.id !== undefined && answer.method === undefined) {
        this.#waiting.get(answer.id)?.(answer);
        this.#waiting.delete(answer.id);
      } else if (answer.method === 'textDocument/publishDiagnostics') {
        this.#published.push(answer.params as PublishDiagnosticsParams);
        for (const wake of this.#listeners.splice(0)) wake();
      }
    }
  }

  #write(message: object): void {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    this.#child.stdin?.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.#child.stdin?.write(body);
  }

  notify(method: string, params: unknown = {}): void {
    this.#write({ method, params });
  }

  /** The answer, error included. */
  ask(method: string, params: unknown): Promise<Answer> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#write({ id, method, params });
    });
  }

  /** The result; throws what the server refuses. */
  async request<T>(method: string, params: unknown): Promise<T> {
    const { result, error } = await this.ask(method, params);
    if (error !== undefined) throw new Error(error.message);
    return result as T;
  }

  async start(snippets = true): Promise<unknown> {
    const result = await this.request('initialize', {
      processId: process.pid,
      rootUri: null,
      capabilities: {
        textDocument: { completion: { completionItem: { snippetSupport: snippets } } },
      },
    });
    this.notify('initialized');
    return result;
  }

  /** Opens a text; resolves with what the server then says is wrong with it. */
  open(uri: string, text: string): Promise<PublishDiagnosticsParams> {
    this.notify('textDocument/didOpen', {
      textDocument: { uri, languageId: 'pinfold-litmus', version: 1, text },
    });
    return this.diagnostics(uri, 1);
  }

  async diagnostics(uri: string, version: number): Promise<PublishDiagnosticsParams> {
    for (;;) {
      const found = this.#published.find((p) => p.uri === uri && p.version === version);
      if (found !== undefined) return found;
      await new Promise<void>((wake) => {
        this.#listeners.push(wake);
      });
    }
  }

  at<T>(method: string, uri: string, position: Position, more: object = {}): Promise<T> {
    return this.request<T>(`textDocument/${method}`, { textDocument: { uri }, position, ...more });
  }

  /** Ends the server as an editor does; resolves with its exit status. */
  async stop(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => {
      this.#child.on('exit', resolve);
    });
    await this.request('shutdown', null);
    this.notify('exit', null);
    return await ended;
  }

  /** Closes the stream without a word, as an editor that died does. */
  async abandon(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => {
      this.#child.on('exit', resolve);
    });
    this.#child.stdin?.end();
    return await ended;
  }
}
