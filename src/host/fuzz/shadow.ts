/** What a generator must know of each process so that its programs seldom fault: which pages may be read and written. */
import type { Region } from './program.ts';

/** 1: may be read, 2: may be written. */
type Rights = Map<number, number>;

const key = (base: number, page: number): number => base * 1024 + page;

export class Shadow {
  readonly #rights: Rights[] = [new Map(), new Map(), new Map()];
  readonly #notForked = new Set<number>();
  /** Bytes in the pipe, as far as is known for sure. */
  fill = 0;
  readonly registered = [false, false, false];

  set(process: number, base: number, from: number, pages: number, rights: number): void {
    for (let p = from; p < from + pages; p++) this.#rights[process]?.set(key(base, p), rights);
  }

  get(process: number, base: number, page: number): number {
    return this.#rights[process]?.get(key(base, page)) ?? 0;
  }

  /** Whether all pages have those rights. */
  all(process: number, base: number, from: number, pages: number, rights: number): boolean {
    for (let p = from; p < from + pages; p++)
      if ((this.get(process, base, p) & rights) !== rights) return false;
    return true;
  }

  /** mprotect: what is mapped gets other rights (bit 4 marks a mapped page). */
  protect(process: number, base: number, from: number, pages: number, rights: number): void {
    for (let p = from; p < from + pages; p++) {
      if ((this.get(process, base, p) & 4) === 0) return;
      this.#rights[process]?.set(key(base, p), rights | 4);
    }
  }

  dontFork(base: number, from: number, pages: number, on: boolean): void {
    for (let p = from; p < from + pages; p++)
      if (on) this.#notForked.add(key(base, p));
      else this.#notForked.delete(key(base, p));
  }

  fork(parent: number, child: number): void {
    this.#rights[child] = new Map(
      [...(this.#rights[parent] ?? [])].filter(([k]) => !this.#notForked.has(k)),
    );
    this.registered[child] = false;
  }

  map(region: Region): void {
    this.set(0, region.base, 0, region.pages, 7);
  }
}
