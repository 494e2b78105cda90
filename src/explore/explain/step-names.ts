/** What a step is called: the function of the kernel that it stands for, and the rules that function follows. */
import { STEPS } from '../../../gen/steps.ts';

export interface StepName {
  readonly kernelFunction: string | null;
  readonly what: string;
  readonly rules: readonly string[];
  readonly source: string | null;
}

/** `functions` of the model, outermost first. */
export const stepName = (functions: readonly string[]): StepName => {
  let what = '';
  let source: string | null = null;
  const rules = new Set<string>();
  for (const name of [...functions].reverse()) {
    const doc = STEPS[name];
    if (doc === undefined) continue;
    if (what === '') what = doc.what;
    source ??= `${doc.file}:${doc.line}`;
    for (const rule of doc.rules) rules.add(rule);
    if (doc.kernel !== null) {
      return { kernelFunction: doc.kernel, what, rules: [...rules], source };
    }
  }
  return { kernelFunction: null, what, rules: [...rules], source };
};

/** Some function on the way is in a file whose name matches. */
export const passesFile = (functions: readonly string[], file: RegExp): boolean =>
  functions.some((name) => file.test(STEPS[name]?.file ?? ''));
