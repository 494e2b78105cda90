/** What ends a command early: one message for the user, and the exit status of product.md. */
export class UserError extends Error {
  /** 2: bad input or usage. 3: could not finish or cannot run here. */
  readonly status: 2 | 3;

  constructor(message: string, status: 2 | 3 = 2) {
    super(message);
    this.status = status;
  }
}

/** Exit statuses: all as expected; something differs; bad input; could not finish. */
export const EXIT = { ok: 0, differs: 1, usage: 2, unfinished: 3 } as const;
