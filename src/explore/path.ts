/** The nodes from the start to where a search stands: each a state, and what has still to be tried from it. */
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { longer } from './longer.ts';

/** Words of a node, and behind them the state. */
export const NODE = {
  /** Threads that can step from here and have not yet, as bits; for a choice: the one thread. */
  ready: 0,
  /** Next alternative of a choice, and how many there are; 0: an ordinary node. */
  next: 1,
  choices: 2,
  /** Number of its state; for a choice, what the graph calls it. */
  id: 3,
  /** Threads, as bits, whose step need not be taken from here: it was taken before, in an order that comes to the same. */
  sleep: 4,
  /** What was known of threads' futures when `ready` was chosen. */
  learned: 5,
  /** 1: an end can be come to from here, as is known. */
  wayOut: 6,
  /** Number of what threads share, then the local one of each thread. */
  state: 7,
} as const;

export class Path {
  /** Words of a node. */
  readonly stride: number;
  /** `stride` words a node; it is another array when there is no more room. */
  nodes: Int32Array;
  depth = 0;

  /** `width`: numbers of a state. */
  constructor(width: number) {
    this.stride = NODE.state + width;
    this.nodes = new Int32Array(this.stride * 1024);
  }

  save(out: CheckpointWriter): void {
    out.words(this.nodes, this.depth * this.stride);
    out.numbers(this.depth);
  }

  load(from: CheckpointReader): void {
    this.nodes = from.words(this.stride * 1024);
    [this.depth = 0] = from.numbers();
  }

  /** Where the last node begins. */
  get top(): number {
    return (this.depth - 1) * this.stride;
  }

  push(
    state: Int32Array,
    ready: number,
    choices: number,
    id: number,
    sleep: number,
    learned: number,
  ): void {
    const node = this.depth++ * this.stride;
    if (node + this.stride > this.nodes.length) this.nodes = longer(this.nodes);
    const nodes = this.nodes;
    nodes[node + NODE.ready] = ready;
    nodes[node + NODE.next] = 0;
    nodes[node + NODE.choices] = choices;
    nodes[node + NODE.id] = id;
    nodes[node + NODE.sleep] = sleep;
    nodes[node + NODE.learned] = learned;
    nodes[node + NODE.wayOut] = 0;
    for (let i = 0; i < state.length; i++) nodes[node + NODE.state + i] = state[i] as number;
  }

  /** Copies the state of a node. */
  stateOf(node: number, to: Int32Array): void {
    for (let i = 0; i < to.length; i++) to[i] = this.nodes[node + NODE.state + i] as number;
  }

  /** Nothing more is to be taken from the node. */
  isDone(node: number): boolean {
    const nodes = this.nodes;
    return nodes[node + NODE.choices] === 0
      ? nodes[node + NODE.ready] === 0
      : nodes[node + NODE.next] === nodes[node + NODE.choices];
  }

  /** The last node at or before `top` that is not a choice: a choice belongs to the state before it. -1: there is none. */
  beforeChoices(top: number): number {
    let node = top;
    while (node >= 0 && this.nodes[node + NODE.choices] !== 0) node -= this.stride;
    return node;
  }
}
