import { MESSAGES, type MessageCode, messageText } from '../output/messages.ts';

/** What ends a command early: text for the user, whole, and the exit status of product.md. */
export class UserError extends Error {
  /** 2: bad input or usage. 3: could not finish or cannot run here. */
  readonly status: 2 | 3;

  constructor(message: string, status: 2 | 3) {
    super(message);
    this.status = status;
  }
}

/** One problem, by its code; `subject`: the file or test that it is about. */
export const userError = (code: MessageCode, text: string, subject?: string): UserError =>
  new UserError(messageText(code, text, subject), MESSAGES[code].status);

/** What an exception says. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Exit statuses: all as expected; something differs; bad input; could not finish. */
export const EXIT = { ok: 0, differs: 1, usage: 2, unfinished: 3 } as const;
