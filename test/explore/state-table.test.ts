import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { CheckpointReader, CheckpointWriter } from '../../src/explore/checkpoint.ts';
import { StateTable } from '../../src/explore/state-table.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pinfold-states-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Numbers of local contents on both sides of the bound above which they take a word each. */
const local = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 1, max: 6 }) },
  { weight: 10, arbitrary: fc.constantFrom(0xfffe, 0xffff) },
  { weight: 1, arbitrary: fc.constantFrom(0x10000, 0x10001, 0x7fffffff) },
);
const shared = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5000 }));

/** States of as many threads, each with who sleeps there and whether threads are spared. */
const histories = fc
  .integer({ min: 1, max: 5 })
  .chain((threads) =>
    fc.tuple(
      fc.constant(threads),
      fc.array(
        fc.tuple(
          fc.tuple(shared, fc.array(local, { minLength: threads, maxLength: threads })),
          fc.integer(),
          fc.boolean(),
        ),
        { maxLength: 300 },
      ),
    ),
  );

const kept = (table: StateTable, threads: number): StateTable => {
  const path = join(scratch, 'table');
  const out = new CheckpointWriter();
  table.save(out);
  out.writeTo(path);
  const from = CheckpointReader.of(path);
  if (from === null) throw new Error('the checkpoint must be whole');
  const again = new StateTable(threads, true);
  again.load(from);
  return again;
};

test('a table of states is a map from states to what was said of them', () => {
  fc.assert(
    fc.property(histories, fc.boolean(), ([threads, history], saved) => {
      let table = new StateTable(threads, true);
      const said = new Map<string, { number: number; sleep: number; spared: boolean }>();
      for (const [[content, locals], sleep, spared] of history) {
        const state = Int32Array.of(content, ...locals);
        const known = said.get(state.join());
        const added = table.add(state);
        expect(added < 0).toBe(known === undefined);
        const row = added < 0 ? ~added : added;
        const number = table.number(row);
        expect(number).toBe(known?.number ?? said.size + 1);
        expect(table.slept(row)).toBe(known?.sleep ?? 0);
        expect(table.taken(number)).toBe(known === undefined ? 0 : ~known.sleep);
        table.setSlept(row, sleep);
        table.setTaken(number, ~sleep);
        table.setSpared(number, spared);
        said.set(state.join(), { number, sleep, spared });
      }
      expect(table.size).toBe(said.size);
      if (saved) table = kept(table, threads);
      const found = new Map<string, number>();
      const state = new Int32Array(1 + threads);
      table.rewind();
      for (let row = table.nextSpared(state); row >= 0; row = table.nextSpared(state))
        found.set(state.join(), table.number(row));
      const spared = [...said].filter(([, of]) => of.spared);
      expect(found).toEqual(new Map(spared.map(([name, of]) => [name, of.number])));
    }),
    { numRuns: 300 },
  );
});

test('going through the states misses none that was there at the beginning, whatever is added meanwhile', () => {
  const table = new StateTable(2, false);
  const add = (content: number, one: number, other: number): void => {
    const row = table.add(Int32Array.of(content, one, other));
    table.setSpared(table.number(row < 0 ? ~row : row), true);
  };
  const first = new Set<string>();
  for (let i = 0; i < 200; i++) {
    add(1 + (i % 7), 1 + i, 1);
    first.add([1 + (i % 7), 1 + i, 1].join());
  }
  const state = new Int32Array(3);
  table.rewind();
  for (let i = 0; table.nextSpared(state) >= 0; i++) {
    first.delete(state.join());
    // The table of this content grows, then all of them when a number takes more than half a word.
    if (i < 300) add(state[0] as number, 1000 + i, 2);
    if (i === 100) add(3, 1 << 20, 1);
  }
  expect([...first]).toEqual([]);
});
