/** The witness is the shortest: no execution of the search without reduction comes to the same end with fewer changes of thread. */
import { expect, test } from 'vitest';
import { Checker } from '../../src/explore/check.ts';
import { type Decision, Graph, stepLabel } from '../../src/explore/graph.ts';
import { Random } from '../../src/explore/random.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { parse } from '../../src/litmus/index.ts';
import { racingProgram } from './racing-programs.ts';

const changes = (path: readonly Decision[]): number =>
  path.filter(({ thread }, i) => i > 0 && thread !== path[i - 1]?.thread).length;

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly thread: number;
}

/** Changes of thread and decisions of the best way from state 1 to `end`, by relaxing all edges until nothing gets better. */
const bestBy = (edges: readonly Edge[], end: number): readonly [number, number] | null => {
  const best = new Map<string, readonly [number, number]>([['1 -1', [0, 0]]]);
  for (let better = true; better; ) {
    better = false;
    for (const { from, to, thread } of edges)
      for (let last = -1; last < 4; last++) {
        const here = best.get(`${from} ${last}`);
        if (here === undefined) continue;
        const there = [here[0] + (last >= 0 && last !== thread ? 1 : 0), here[1] + 1] as const;
        const known = best.get(`${to} ${thread}`);
        if (known !== undefined && (known[0] - there[0] || known[1] - there[1]) <= 0) continue;
        best.set(`${to} ${thread}`, there);
        better = true;
      }
  }
  const ways = [-1, 0, 1, 2, 3].flatMap((last) => best.get(`${end} ${last}`) ?? []);
  let least: readonly [number, number] | null = null;
  for (let i = 0; i < ways.length; i += 2) {
    const way = [ways[i] ?? 0, ways[i + 1] ?? 0] as const;
    if (least === null || (way[0] - least[0] || way[1] - least[1]) < 0) least = way;
  }
  return least;
};

test('of random graphs: the fewest changes of thread, and of these the fewest decisions', () => {
  let reached = 0;
  for (let seed = 1; seed <= 500; seed++) {
    const random = new Random(seed);
    const states = 3 + random.below(9);
    const edges: Edge[] = [];
    const graph = new Graph();
    for (let n = random.below(3 * states); n >= 0; n--) {
      const edge = {
        from: 1 + random.below(states),
        to: 1 + random.below(states),
        thread: random.below(4),
      };
      edges.push(edge);
      graph.edge(edge.from, stepLabel(edge.thread, 0), edge.to);
    }
    graph.end(states, -1, 'end');
    const path = graph.easiestPath('end');
    const best = bestBy(edges, states);
    expect(path === null ? null : [changes(path), path.length], `seed ${seed}`).toEqual(best);
    if (path !== null && path.length > 1) reached++;
  }
  expect(reached).toBeGreaterThan(80);
});

test('of racing programs: the reduction hides no easier way', () => {
  const limits = { states: 8000, time: 20_000 };
  let compared = 0;
  for (let seed = 1; seed <= 24; seed++) {
    const { text, kernel } = racingProgram(seed);
    const { checked } = parse(text, `racing-${seed}`);
    if (checked === undefined) throw new Error(text);
    const checker = new Checker(checked);
    const full = checker.exploreForReplay(rulesFor(kernel), { unreduced: true, limits });
    if (full.ways === null || full.exploration.observation === 'Incomplete') continue;
    const reduced = checker.exploreForReplay(rulesFor(kernel), { limits });
    expect([...(reduced.ways?.names ?? [])].sort()).toEqual([...full.ways.names].sort());
    for (const name of full.ways.names) {
      const [short, all] = [reduced.ways?.easiestPath(name), full.ways.easiestPath(name)];
      if (short == null || all === null) throw new Error(`seed ${seed}: no way to ${name}`);
      expect(changes(short), `seed ${seed}: ${name}`).toBeLessThanOrEqual(changes(all));
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(20);
}, 120_000);
