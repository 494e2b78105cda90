/**
 * Every message of the language: a stable code, what it means, and what to do. Messages name the
 * thing at hand; titles here are for the documentation, advice is the hint where no better one is known.
 */
import type { Span } from './ast.ts';

export interface ErrorEntry {
  readonly title: string;
  readonly advice: string;
  readonly severity: 'error' | 'warning';
}

const error = (title: string, advice: string): ErrorEntry => ({ title, advice, severity: 'error' });
const warning = (title: string, advice: string): ErrorEntry => ({
  title,
  advice,
  severity: 'warning',
});

export const ERRORS = {
  // Text and tokens
  L001: error('A character that the language does not know', 'remove it'),
  L002: error('A comment that is never closed', 'close it: `(* ... *)`, `/* ... */`'),
  L003: error('A string or character literal that is never closed', 'close it on the same line'),
  L004: error(
    'A number that cannot be read',
    'write decimal, 0x hexadecimal or 0 octal, below 2^53',
  ),
  // Shape of the file
  L010: error('The first line is not `C name`', 'begin the file with `C name-of-the-test`'),
  L011: error('Something else was expected here', 'see docs/language.md for the shape of a test'),
  L012: error(
    'A part of the file is missing',
    'a test has an initial block `{ }`, threads and a condition',
  ),
  L013: error(
    'Text after the end of the test',
    'one file holds one test: remove it or put it into a file of its own',
  ),
  L014: error(
    'A type that cannot be used here',
    'use an integer type, a pointer to one, or `struct page *`',
  ),
  L015: error(
    'A construct of C that the language does not have',
    'write it with if, while, for and plain statements',
  ),
  L016: error(
    'A thread header that cannot be read',
    'write `P0()` for a thread, `K0()` for a kernel context',
  ),
  L017: error('A part of the file stands twice', 'keep one of them'),
  L018: error('Brackets or blocks nested too deeply', 'split it into several statements'),
  // Result: and Design: lines
  L030: error(
    'A `Result:` line that cannot be read',
    'write `Result: Never (< 5.8)`: Never, Sometimes, Always, Deadlock, Bug or Unsupported, then a range',
  ),
  L031: error('Two `Result:` lines that disagree on a version', 'make the ranges disjoint'),
  L032: error(
    'A `Design:` line that cannot be read',
    'write names of design variants, separated by commas',
  ),
  // Names and types
  L040: error('A name that nobody declares', 'declare it in the initial block, or assign it first'),
  L041: error(
    'A call that the language does not have',
    'see the table of calls in docs/language.md',
  ),
  L042: error('A wrong number of arguments', 'see the signature'),
  L043: error('An argument of the wrong type', 'see the signature'),
  L044: error('A register is read before anything was assigned to it', 'assign it first'),
  L045: error('A name is declared twice', 'give one of them another name'),
  L046: error('A name that is taken by the language', 'choose another name'),
  L047: error('Something that cannot be assigned to', 'assign to a variable, `buf[i]` or `*p`'),
  L048: error('Operands of the wrong type', 'cast, or read the memory you mean: `buf[0]`, `*p`'),
  L049: error(
    'A call where its order would not be clear',
    'assign the result of the call to a register in a statement of its own',
  ),
  L050: error('A kernel call in user mode', 'put `kernel:` before the statement'),
  L051: error('A system call in kernel mode', 'call it from a Pn body, outside `kernel:`'),
  L052: error(
    'A call on current->mm in a kernel context that has none',
    'use the _remote call and name a thread: `get_user_pages_remote(P0, ...)`',
  ),
  L053: error('A statement that cannot stand in the initial block', 'move it into a thread'),
  L054: error(
    'A value is taken from a call that gives none',
    'write the call as a statement of its own',
  ),
  L055: error('A flag of another call', 'use the flags that the manual lists for this call'),
  L056: error('An index outside the array', 'make the array larger'),
  L057: error(
    'A loop without a constant bound',
    'count a register up to a constant: `for (i = 0; i < 3; i++)`',
  ),
  L058: error('`break` or `continue` outside a loop', 'remove it, or use `return`'),
  // Threads and events
  L060: error('A thread that is not there', 'add its block, or name another'),
  L061: error('A thread that forks itself', 'fork another thread'),
  L062: error('A thread that is forked more than once', 'give each child its own thread'),
  L063: error('Threads that fork each other in a circle', 'one of them must start by itself'),
  L064: error('A kernel context where a thread of a process is wanted', 'name a Pn'),
  L065: error(
    'Waiting for a thread that nobody forks',
    'fork it first, or use `await` with an event',
  ),
  L066: error('An event that is awaited but never posted', 'post it in another thread'),
  L067: warning('An event that is posted but never awaited', 'await it, or remove the post'),
  L068: warning('A barrier that only one thread comes to', 'use the same name in another thread'),
  L069: warning(
    'Huge pages are asked for, and the pool is empty',
    'begin with `set_nr_hugepages(1);`: it is 0 until somebody sets it',
  ),
  // Condition
  L070: error('The condition names a thread that is not there', 'number threads as the blocks do'),
  L071: error(
    'The condition asks for something unknown',
    'see "What a condition may ask" in docs/language.md',
  ),
  L072: error('A question with wrong arguments', 'see the form of the question'),
  L073: error('A term without its thread', 'write the thread before the name: `0:r0`'),
  L074: error(
    'A term that cannot be compared',
    'compare registers, memory, counters and questions with numbers',
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export interface Diagnostic {
  readonly code: ErrorCode;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint: string;
  readonly file: string;
  readonly span: Span;
}

/** Takes one finding; `hint` replaces the code's general advice. */
export type Report = (code: ErrorCode, span: Span, message: string, hint?: string) => void;

/** A list of diagnostics and the function that adds to it; the same code at the same place counts once. */
export const reporter = (file: string): { diagnostics: Diagnostic[]; report: Report } => {
  const diagnostics: Diagnostic[] = [];
  const report: Report = (code, span, message, hint) => {
    const known = diagnostics.some((d) => d.code === code && d.span.start === span.start);
    if (known) return;
    const { severity, advice } = ERRORS[code];
    diagnostics.push({ code, severity, message, hint: hint ?? advice, file, span });
  };
  return { diagnostics, report };
};
