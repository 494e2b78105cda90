/** The graph of a search: its states, the steps between them and its ends; and the easiest way to an end. */
import { longer } from './longer.ts';

/** A step: the thread in the low five bits, above them which alternative of a choice it took. */
export const stepLabel = (thread: number, choice: number): number => thread | (choice << 5);

export interface Decision {
  readonly thread: number;
  /** Alternative taken where hardware or chance decides; 0 else. */
  readonly choice: number;
}

/** Numbers from here on are nodes that are no stored state: choices half made, and ends. */
const PSEUDO = 1 << 30;

export class Graph {
  #from = new Int32Array(1 << 12);
  #to = new Int32Array(1 << 12);
  #label = new Int32Array(1 << 12);
  #edges = 0;
  #pseudo = 0;
  /** Where the search begins: its first stored state, or the choice that comes before any. */
  #start = 1;
  readonly #ends = new Map<string, number[]>();

  /** A step from one stored state to another; from 0: the search begins at `to`. */
  edge(from: number, label: number, to: number): void {
    if (from === 0) {
      this.#start = to;
      return;
    }
    if (this.#edges === this.#from.length) {
      this.#from = longer(this.#from);
      this.#to = longer(this.#to);
      this.#label = longer(this.#label);
    }
    this.#from[this.#edges] = from;
    this.#label[this.#edges] = label;
    this.#to[this.#edges] = to;
    this.#edges++;
  }

  /** A step to where a choice has to be made; the number of that node. */
  between(from: number, label: number): number {
    const id = PSEUDO + this.#pseudo++;
    this.edge(from, label, id);
    return id;
  }

  /** An end called `name`: of the state `from` itself (label -1), or by one more step. */
  end(from: number, label: number, name: string): void {
    // From nowhere: the execution ended before threads could meet.
    const id = from === 0 ? this.#start : label < 0 ? from : this.between(from, label);
    const known = this.#ends.get(name);
    if (known === undefined) this.#ends.set(name, [id]);
    else known.push(id);
  }

  /** Names of the ends. */
  get names(): string[] {
    return [...this.#ends.keys()];
  }

  /**
   * The way from the first state to some end of that name with the fewest changes of thread, and of those the one with
   * the fewest decisions. null: there is no such end.
   */
  easiestPath(name: string): Decision[] | null {
    const targets = new Set(this.#ends.get(name));
    if (targets.size === 0) return null;
    const out = this.#outgoing();
    // Over (node, last thread): layer by layer of thread changes, in a layer by the number of decisions.
    const done = new Set<number>();
    const steps: Step[] = [];
    let layer = new Layer();
    layer.add({ node: this.#start, last: -1, parent: -1, edge: -1 }, 0);
    while (!layer.empty) {
      const next = new Layer();
      for (let decisions = 0; decisions < layer.length; decisions++) {
        for (const step of layer.at(decisions)) {
          const key = step.node * 33 + step.last + 1;
          if (done.has(key)) continue;
          done.add(key);
          const index = steps.push(step) - 1;
          if (targets.has(step.node)) return this.#pathTo(steps, index);
          for (const edge of out.get(step.node) ?? []) {
            const thread = (this.#label[edge] as number) & 31;
            const to = { node: this.#to[edge] as number, last: thread, parent: index, edge };
            const stays = step.last === -1 || thread === step.last;
            (stays ? layer : next).add(to, decisions + 1);
          }
        }
      }
      layer = next;
    }
    return null;
  }

  #pathTo(nodes: readonly { parent: number; edge: number }[], end: number): Decision[] {
    const path: Decision[] = [];
    for (let at = end; at >= 0; at = nodes[at]?.parent ?? -1) {
      const edge = nodes[at]?.edge ?? -1;
      if (edge < 0) continue;
      const label = this.#label[edge] as number;
      path.push({ thread: label & 31, choice: label >> 5 });
    }
    return path.reverse();
  }

  #outgoing(): Map<number, number[]> {
    const out = new Map<number, number[]>();
    for (let e = 0; e < this.#edges; e++) {
      const from = this.#from[e] as number;
      const list = out.get(from);
      if (list === undefined) out.set(from, [e]);
      else list.push(e);
    }
    return out;
  }
}

/** A node that was come to: by which thread, from which step and along which edge. */
interface Step {
  readonly node: number;
  readonly last: number;
  readonly parent: number;
  readonly edge: number;
}

/** Steps by the number of decisions up to them. */
class Layer {
  readonly #byDecisions: (Step[] | undefined)[] = [];

  get empty(): boolean {
    return this.#byDecisions.length === 0;
  }

  /** One more than the most decisions. */
  get length(): number {
    return this.#byDecisions.length;
  }

  at(decisions: number): readonly Step[] {
    return this.#byDecisions[decisions] ?? [];
  }

  add(step: Step, decisions: number): void {
    const list = this.#byDecisions[decisions];
    if (list === undefined) this.#byDecisions[decisions] = [step];
    else list.push(step);
  }
}
