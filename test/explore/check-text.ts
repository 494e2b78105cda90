/** Explores a test given as text. */
import { Checker, type Verdict } from '../../src/explore/check.ts';
import { parse, renderDiagnostics } from '../../src/litmus/index.ts';

/** A page of anonymous memory, as an initial block gets it. */
export const PAGE =
  'mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)';

/** The verdict at `kernel` on a whole test, or on an initial block, one thread's body and a condition. */
export const checkText = (kernel: string, text: string): Verdict => {
  const { checked, diagnostics } = parse(text, 'text.litmus');
  if (checked === undefined) throw new Error(renderDiagnostics(diagnostics, text));
  return new Checker(checked).check(kernel);
};

/** The one final state (or problem, or reason why there is none) of a test of one thread. */
export const outcome = (kernel: string, init: string, body: string, registers: string): string => {
  const names = registers.split(' ').map((r) => `0:${r}=12345`);
  const verdict = checkText(
    kernel,
    `C text\n{ ${init} }\nP0() { ${body} }\nexists (${names.join(' /\\ ')})\n`,
  );
  if (verdict.reason !== null) return verdict.reason;
  const all = [...verdict.problems, ...verdict.states.map((s) => s.text)];
  return all.join(' | ').replaceAll('0:', '');
};
