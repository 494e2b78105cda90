import { expect, test } from 'vitest';
import { Futures } from '../../src/explore/futures.ts';
import { Sharing } from '../../src/explore/sharing.ts';
import type { Snapshots } from '../../src/explore/snapshots.ts';
import { at, R, READ, WRITE } from '../../src/machine/access.ts';

const table = READ | at(R.io, 2);
const page = at(R.content, 7);

test('two looks at one object commute as long as nobody changes anything besides', () => {
  const sharing = new Sharing();
  expect(sharing.independent(table, table)).toBe(true);
  sharing.shareBesides(table, READ | page);
  expect(sharing.independent(table, table)).toBe(true);
  sharing.shareBesides(table, WRITE | page);
  expect(sharing.independent(table, table)).toBe(false);
  // The search that assumed otherwise is repeated.
  expect(sharing.broken).toBe(true);
});

test('persistent sets go by what is known when a search begins', () => {
  const sharing = new Sharing();
  // Two threads, at local contents 1 and 2, that both look at the table and end at 3.
  const snapshots = {
    kind: (local: number) => (local === 3 ? 0 : -1),
    pending: () => table,
  } as unknown as Snapshots;
  const futures = new Futures(snapshots, sharing, 2);
  futures.learn(1, 3);
  futures.learn(2, 3);
  const state = Int32Array.of(1, 2);
  expect(futures.persistent(state, 0, 2, 0b11)).toBe(0b01);
  sharing.shareBesides(table, WRITE | page);
  futures.renew();
  expect(futures.persistent(state, 0, 2, 0b11)).toBe(0b11);
});
