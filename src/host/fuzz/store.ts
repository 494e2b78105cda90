/** What fuzzing has done so far, in an SQLite file: how far it came, what it covered, where both sides differ. */
import { DatabaseSync } from 'node:sqlite';

export interface Disagreement {
  readonly name: string;
  readonly seed: number;
  readonly program: number;
  readonly kernel: string;
  readonly file: string;
  readonly detail: string;
}

export class Store {
  readonly #db: DatabaseSync;

  /** `:memory:` keeps nothing. */
  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(`
      CREATE TABLE IF NOT EXISTS progress (seed INTEGER PRIMARY KEY, next INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS tally (kind TEXT, name TEXT, count INTEGER NOT NULL, PRIMARY KEY (kind, name));
      CREATE TABLE IF NOT EXISTS disagreement
        (name TEXT PRIMARY KEY, seed INTEGER, program INTEGER, kernel TEXT, file TEXT, detail TEXT);
    `);
  }

  /** The first program of `seed` that was not run. */
  next(seed: number): number {
    const row = this.#db.prepare('SELECT next FROM progress WHERE seed = ?').get(seed);
    return Number(row?.['next'] ?? 0);
  }

  /** One batch: how far, and counts to add by kind and name. */
  add(seed: number, next: number, counts: ReadonlyMap<string, ReadonlyMap<string, number>>): void {
    this.#db.exec('BEGIN');
    this.#db.prepare('INSERT OR REPLACE INTO progress VALUES (?, ?)').run(seed, next);
    const put = this.#db.prepare(
      'INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET count = count + excluded.count',
    );
    for (const [kind, names] of counts)
      for (const [name, count] of names) put.run(kind, name, count);
    this.#db.exec('COMMIT');
  }

  found(d: Disagreement): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO disagreement VALUES (?, ?, ?, ?, ?, ?)')
      .run(d.name, d.seed, d.program, d.kernel, d.file, d.detail);
  }

  /** Counts of a kind, the largest first. */
  tally(kind: string): ReadonlyMap<string, number> {
    const rows = this.#db
      .prepare('SELECT name, count FROM tally WHERE kind = ? ORDER BY count DESC, name')
      .all(kind);
    return new Map(rows.map((r) => [String(r['name']), Number(r['count'])]));
  }

  disagreements(): number {
    return Number(this.#db.prepare('SELECT count(*) AS n FROM disagreement').get()?.['n'] ?? 0);
  }

  close(): void {
    this.#db.close();
  }
}
