import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Futures } from '../../src/explore/futures.ts';
import { Sharing } from '../../src/explore/sharing.ts';
import type { Snapshots } from '../../src/explore/snapshots.ts';

/** Local contents of threads that have ended: they announce nothing. */
const ended = { kind: () => 0 } as unknown as Snapshots;

type Edge = readonly [from: number, to: number];

/** Whether the edges form no circle: whoever nothing leads to can be taken away until nobody is left. */
function acyclic(edges: readonly Edge[]): boolean {
  let rest = edges;
  for (;;) {
    const led = new Set(rest.map(([, to]) => to));
    const next = rest.filter(([from]) => led.has(from));
    if (next.length === rest.length) return rest.length === 0;
    rest = next;
  }
}

const edges = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })));

test('without the steps that close a circle there is none', () => {
  fc.assert(
    fc.property(edges, (learned) => {
      const futures = new Futures(ended, new Sharing(), 1);
      for (const [from, to] of learned) futures.learn(from, to);
      const open = learned.filter(([from, to]) => !futures.learn(from, to));
      expect(acyclic(open)).toBe(true);
    }),
  );
});

test('what has no circle has no step that closes one', () => {
  fc.assert(
    fc.property(edges, (learned) => {
      const futures = new Futures(ended, new Sharing(), 1);
      const downwards = learned.filter(([from, to]) => from < to).toReversed();
      for (const [from, to] of downwards) expect(futures.learn(from, to)).toBe(false);
    }),
  );
});
