/** The second walk through a witness: writes each step down, decoded. */
import type { CheckedTest } from '../../litmus/checked.ts';
import type { CompiledCondition } from '../../litmus/compile/index.ts';
import { threadPending, threadTrace } from '../../machine/resumable.ts';
import type { End } from '../end.ts';
import type { Decision } from '../graph.ts';
import { Places } from '../places.ts';
import type { TraceStep } from '../replay.ts';
import type { Machine } from '../setup.ts';
import type { Sharing } from '../sharing.ts';
import { accessObject, accessOperation, valueRead } from './access-text.ts';
import { Context } from './context.ts';
import { Counts, framesCounted } from './counts.ts';
import { decode } from './decode.ts';
import { resultKept } from './decode-variables.ts';
import { wantedOf } from './ends.ts';
import { type Moment, Moments } from './moments.ts';
import { stepName } from './step-names.ts';
import type { Survey } from './survey.ts';
import { allLeaves } from './tables.ts';
import type { Difference, ExplainedStep, PageCounts } from './types.ts';
import { type Word, Words } from './words.ts';

/** A witness: a machine at its start, and the decisions that lead to an end. */
export interface Witness {
  readonly checked: CheckedTest;
  readonly condition: CompiledCondition;
  readonly machine: Machine;
  readonly sharing: Sharing | null;
  readonly path: readonly Decision[];
  readonly kernel: string;
  /** Text of the test. */
  readonly source: string;
}

export class Recorder {
  /** Counts of the pages before the first step. */
  readonly start: readonly PageCounts[];
  verdict: Moment | null = null;
  readonly #machine: Machine;
  readonly #survey: Survey;
  readonly #ctx: Context;
  readonly #places: Places;
  readonly #lines: readonly string[];
  readonly #moments: Moments;
  readonly #counts = new Counts();
  #steps: ExplainedStep[] = [];
  #decisions = 0;
  #run = -1;
  /** Of the last step. */
  #instruction = -1;
  #told: readonly Moment[] = [];
  /** By thread: pins that the ledger has let go of before the counts have; they belong to the next step. */
  readonly #early = new Map<number, readonly Word[]>();
  #bugSeen = false;

  constructor(w: Witness, survey: Survey, interesting: boolean) {
    this.#machine = w.machine;
    this.#survey = survey;
    this.#ctx = new Context(w.checked, w.machine.k, survey);
    this.#places = new Places(w.machine);
    this.#lines = sourceLines(w.source);
    const wanted = interesting ? wantedOf(w.checked.test.condition.quantifier) : null;
    this.#moments = new Moments(this.#ctx, w.condition, wanted);
    this.start = this.#counts.changed(
      this.#ctx,
      allLeaves(w.machine.k).map((l) => l.frame),
    );
  }

  get steps(): readonly ExplainedStep[] {
    return this.#steps.map((s) => {
      const moments = this.#told.filter((m) => m.step === s.index).map((m) => m.text);
      return moments.length === 0 ? s : { ...s, moments };
    });
  }

  onStep(step: TraceStep): void {
    const { k } = this.#machine;
    const words = new Words(this.#places, step.changes);
    const bug = !this.#bugSeen && (k.report[0] ?? 0) !== 0;
    // Found on the way from this step to the next, in the statement after: that is where it belongs.
    const later = bug && (k.lit.at[step.thread] ?? 0) !== step.instruction;
    const found = later ? words.take('report') : [];
    this.#shiftPins(step.thread, words, later);
    if (!later) this.#bugSeen ||= bug;
    this.#record(step, words);
    if (!later) return;
    const rest = new Words(this.#places, []);
    rest.give('report', found);
    rest.give('pins', this.#early.get(step.thread) ?? []);
    this.#bugSeen = true;
    this.#record(this.#announced(step.thread), rest);
  }

  /** The step that a thread would take next. */
  #announced(thread: number): TraceStep {
    return {
      thread,
      access: threadPending(thread),
      functions: threadTrace(thread).map((f) => f.name),
      instruction: this.#machine.k.lit.at[thread] ?? 0,
      changes: [],
      decision: false,
    };
  }

  finish(end: End): void {
    // Who waits has announced a step and not taken it: where it stands belongs to the story.
    if (end.kind === 'deadlock')
      for (const t of end.waiting)
        this.#record(this.#announced(t), new Words(this.#places, []), this.#moments.waits(t));
    const { moments, verdict } = this.#moments.finish(end);
    this.#told = moments;
    this.verdict = verdict;
  }

  /** The ledger notes a release just before the step that counts it: both are told together. */
  #shiftPins(thread: number, words: Words, bug: boolean): void {
    const counted = new Set(words.of('page.refcount').map((w) => w.index));
    for (const w of words.of('page.private')) counted.add(w.index - 1);
    const pins = words.take('pins');
    const isEarly = (w: Word): boolean => w.after < w.before && (!counted.has(w.index) || bug);
    words.give('pins', this.#early.get(thread) ?? []);
    this.#early.set(thread, pins.filter(isEarly));
    words.give(
      'pins',
      pins.filter((w) => !isEarly(w)),
    );
  }

  #record(step: TraceStep, words: Words, meets: string | null = null): void {
    const ctx = this.#ctx;
    const index = ++ctx.step;
    if (words.arrays.includes('contents')) ctx.tables.outdate();
    const line = this.#lineOf(step);
    const last = this.#steps.at(-1);
    const same =
      last?.thread === step.thread &&
      last.line === line &&
      (line === null || this.#instruction === step.instruction);
    if (!same) this.#run++;
    this.#instruction = step.instruction;
    this.#moments.onStep(step, words, this.#bugSeen);
    this.#steps.push({
      index,
      decision: step.decision ? ++this.#decisions : null,
      thread: step.thread,
      line,
      statement: line === null ? null : (this.#lines[line - 1] ?? null),
      run: this.#run,
      ...stepName(step.functions),
      functions: step.functions,
      access: { operation: accessOperation(step.access), object: accessObject(ctx, step.access) },
      meets: meets ?? (this.#survey.meeting.has(index) ? valueRead(ctx, step.access) : null),
      differences: this.#differences(step, words),
      counts: this.#counts.changed(ctx, framesCounted(words)),
      moments: [],
    });
  }

  #differences(step: TraceStep, words: Words): Difference[] {
    const found = decode(this.#ctx, words, step.thread);
    const kept = this.#isDone(step) ? resultKept(this.#ctx, words, step.instruction) : null;
    return kept === null ? found : [...found, kept];
  }

  /** The step was the last of its statement. */
  #isDone(step: TraceStep): boolean {
    if (this.#lineOf(step) === null) return false;
    const at = this.#machine.k.lit.at[step.thread] ?? 0;
    return at !== step.instruction || threadTrace(step.thread).length <= 1;
  }

  /** Line of the test that a step belongs to; null: a thread's start or end, or the device. */
  #lineOf(step: TraceStep): number | null {
    if (step.functions.at(-1) === 'runThread' || step.functions[0] !== 'runThread') return null;
    return this.#machine.k.program.code[step.instruction]?.line ?? null;
  }
}

/** Lines without comments, outer blanks and the last semicolon. */
const sourceLines = (source: string): string[] =>
  source
    .replace(/\(\*[\s\S]*?\*\)|\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .split('\n')
    .map((line) =>
      line
        .replace(/\/\/.*$/, '')
        .trim()
        .replace(/;$/, ''),
    );
