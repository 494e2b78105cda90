/** How a program ended: `ok` with an answer for each question, `deadlock`, or why it could not be judged. */
export interface FuzzOutcome {
  readonly how: string;
  readonly answers: readonly string[];
}
