/** Random programs on the kernel of this machine and on the model, batch by batch; what differs is made small and saved. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from './generate.ts';
import { minimise } from './minimise.ts';
import type { FuzzOutcome } from './outcome.ts';
import type { FuzzProgram, Mix } from './program.ts';
import type { Store } from './store.ts';
import { encode, litmusText, questionTexts, roughText } from './text.ts';

/** The model's answer, and rules that it read and had not read before. */
export interface ModelOutcome extends FuzzOutcome {
  readonly rules: readonly string[];
}

/** Both sides: each answers some programs, in order. */
export interface Sides {
  /** Encoded programs (text.ts). */
  kernel(lines: readonly string[]): Promise<readonly FuzzOutcome[]>;
  /** Litmus texts. */
  model(texts: readonly string[]): Promise<readonly ModelOutcome[]>;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly from: number;
  /** Programs to run. */
  readonly count: number;
  /** Milliseconds. */
  readonly time: number;
  readonly mix: ReadonlySet<Mix>;
  /** Folder for what is found. */
  readonly out: string;
  /** `uname -r`, and the version of the model. */
  readonly release: string;
  readonly kernel: string;
}

export interface FuzzResult {
  readonly programs: number;
  readonly milliseconds: number;
  readonly files: readonly string[];
}

const BATCH = 64;
/** How often both sides must differ before it counts. */
const AGAIN = 3;

/** What differs, a line each; null: nothing, or one side could not be asked. */
export const difference = (
  p: FuzzProgram,
  kernel: FuzzOutcome,
  model: FuzzOutcome,
): readonly string[] | null => {
  if (NO_ANSWER.has(kernel.how) || NO_ANSWER.has(model.how)) return null;
  // Who waits in a system call for ever looks to the outside like one who is slow.
  if (kernel.how === 'timeout' && model.how === 'deadlock') return null;
  if (kernel.how !== model.how) return [`kernel: ${kernel.how}; model: ${model.how}`];
  const lines = questionTexts(p).flatMap((text, i) =>
    kernel.answers[i] === model.answers[i]
      ? []
      : [`${text}: kernel ${kernel.answers[i]}, model ${model.answers[i]}`],
  );
  return lines.length === 0 ? null : lines;
};

/** Says nothing about the program: the machine lacks something, or the model a call. */
const NO_ANSWER: ReadonlySet<string> = new Set(['skip', 'refused', 'unsupported']);

class Fuzzer {
  readonly #sides: Sides;
  readonly #options: FuzzOptions;
  readonly #store: Store;
  readonly files: string[] = [];

  constructor(sides: Sides, options: FuzzOptions, store: Store) {
    this.#sides = sides;
    this.#options = options;
    this.#store = store;
  }

  async #ask(programs: readonly FuzzProgram[]): Promise<{
    differences: (readonly string[] | null)[];
    model: readonly ModelOutcome[];
    kernel: readonly FuzzOutcome[];
  }> {
    const [kernel, model] = await Promise.all([
      this.#sides.kernel(programs.map((p, i) => encode(p, i))),
      this.#sides.model(programs.map((p) => roughText(p))),
    ]);
    const differences = programs.map((p, i) =>
      difference(p, kernel[i] as FuzzOutcome, model[i] as FuzzOutcome),
    );
    return { differences, kernel, model };
  }

  async batch(from: number, count: number): Promise<void> {
    const { seed, mix } = this.#options;
    const programs = Array.from({ length: count }, (_, i) => generate(seed, from + i, mix));
    const { differences, model, kernel } = await this.#ask(programs);
    const counts = new Map<string, Map<string, number>>();
    const add = (kind: string, name: string): void => {
      const names = counts.get(kind) ?? new Map<string, number>();
      counts.set(kind, names.set(name, (names.get(name) ?? 0) + 1));
    };
    programs.forEach((p, i) => {
      add('end', kernel[i]?.how ?? '');
      for (const region of p.regions) add('memory', region.kind);
      for (const op of p.ops) add('call', callName(op));
      for (const rule of model[i]?.rules ?? []) add('rule', rule);
    });
    for (const [i, found] of differences.entries())
      if (found !== null) await this.#found(programs[i] as FuzzProgram, from + i);
    this.#store.add(seed, from + count, counts);
  }

  /** Asks again, makes it small, saves it. */
  async #found(program: FuzzProgram, index: number): Promise<void> {
    const { differences } = await this.#ask(Array.from({ length: AGAIN }, () => program));
    if (differences.some((d) => d === null)) return;
    const small = await minimise(program, async (candidates) =>
      (await this.#ask(candidates)).differences.map((d) => d !== null),
    );
    const last = await this.#ask([small]);
    const detail = last.differences[0] ?? null;
    // Something else on the machine was the reason, and is gone.
    if (detail === null) return;
    const { seed, mix, out, release, kernel } = this.#options;
    const header = [
      `Found by pinfold fuzz --seed ${seed}${mix.size > 0 ? ` --mix ${[...mix].join(',')}` : ''}, program ${index}: kernel ${release}, model ${kernel}.`,
      '',
      ...detail,
    ].join('\n');
    const file = join(out, `${program.name}.litmus`);
    writeFileSync(file, litmusText(small, header));
    this.files.push(file);
    this.#store.found({
      name: program.name,
      seed,
      program: index,
      kernel: release,
      file,
      detail: detail.join('\n'),
    });
  }
}

const callName = (op: FuzzProgram['ops'][number]): string =>
  op.call === 'madvise' ? (op.args[2]?.text ?? op.call) : op.call === 'take' ? 'read' : op.call;

/** Runs programs until their number or the time is over, or `stopped` says so; `onBatch` is told how many are done. */
export const fuzz = async (
  sides: Sides,
  options: FuzzOptions,
  store: Store,
  stopped: () => boolean,
  onBatch: (programs: number, found: number) => void,
): Promise<FuzzResult> => {
  const start = performance.now();
  const fuzzer = new Fuzzer(sides, options, store);
  let done = 0;
  while (done < options.count && performance.now() - start < options.time && !stopped()) {
    const size = Math.min(BATCH, options.count - done);
    await fuzzer.batch(options.from + done, size);
    done += size;
    onBatch(done, fuzzer.files.length);
  }
  return { programs: done, milliseconds: performance.now() - start, files: fuzzer.files };
};
