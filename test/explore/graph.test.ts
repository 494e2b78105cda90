import { describe, expect, test } from 'vitest';
import { Graph, stepLabel } from '../../src/explore/graph.ts';

const threads = (graph: Graph, name: string): number[] | undefined =>
  graph.easiestPath(name)?.map((d) => d.thread);

describe('the easiest way to an end', () => {
  test('has the fewest changes of thread, not the fewest steps', () => {
    const g = new Graph();
    // Two steps with one change, or three steps of one thread.
    g.edge(1, stepLabel(0, 0), 2);
    g.edge(2, stepLabel(0, 0), 3);
    g.edge(1, stepLabel(0, 0), 4);
    g.edge(4, stepLabel(1, 0), 5);
    g.end(5, -1, 'x');
    g.end(3, stepLabel(0, 0), 'x');
    expect(threads(g, 'x')).toEqual([0, 0, 0]);
  });

  test('of equally many changes, the fewest decisions', () => {
    const g = new Graph();
    g.edge(1, stepLabel(1, 0), 2);
    g.edge(2, stepLabel(1, 0), 3);
    g.edge(1, stepLabel(1, 0), 3);
    g.end(3, -1, 'x');
    expect(threads(g, 'x')).toEqual([1]);
  });

  test('names the alternative of a choice', () => {
    const g = new Graph();
    const half = g.between(1, stepLabel(1, 0));
    g.edge(half, stepLabel(1, 1), 2);
    g.end(2, -1, 'x');
    expect(g.easiestPath('x')).toEqual([
      { thread: 1, choice: 0 },
      { thread: 1, choice: 1 },
    ]);
  });

  test('is empty where the execution ends before threads can meet', () => {
    const g = new Graph();
    g.end(0, 0, 'bug');
    expect(g.easiestPath('bug')).toEqual([]);
    expect(g.names).toEqual(['bug']);
  });

  test('begins at a choice where one comes before the first state', () => {
    const g = new Graph();
    const first = g.between(0, 0);
    g.edge(first, stepLabel(0, 1), 1);
    g.end(1, -1, 'x');
    expect(g.easiestPath('x')).toEqual([{ thread: 0, choice: 1 }]);
  });

  test('is null for an end that there is not', () => {
    const g = new Graph();
    g.edge(1, 0, 2);
    g.end(2, -1, 'x');
    expect(g.easiestPath('y')).toBeNull();
  });

  test('grows past its first room', () => {
    const g = new Graph();
    for (let n = 1; n < 6000; n++) g.edge(n, stepLabel(0, 0), n + 1);
    g.end(6000, -1, 'x');
    expect(g.easiestPath('x')).toHaveLength(5999);
  });
});
