/** The model's answer to a random program: one execution, since only one thread can run at a time. */
import { explore } from '../explore/explore.ts';
import { missing } from '../explore/supported.ts';
import { trackRules } from '../explore/tracked-rules.ts';
import type { ModelOutcome } from '../host/fuzz/fuzz.ts';
import { rulesFor } from '../kernels/index.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { compile } from '../litmus/compile/index.ts';

/** Runs `checked` at `kernel`, without swap as on a machine that has none; `seed` chooses whenever there is a choice. */
export const modelOutcome = (checked: CheckedTest, kernel: string, seed = 1): ModelOutcome => {
  const tracked = trackRules(rulesFor(kernel));
  const lack = missing(checked, tracked.rules);
  if (lack !== null) return { how: 'unsupported', answers: [], rules: [] };
  const names = [...checked.bindings.values()].flatMap((b) =>
    b.kind === 'constant' ? [b.name] : [],
  );
  const huge = names.some((n) => /HUGE/.test(n) || n === 'HPAGE_SIZE' || n === 'MADV_COLLAPSE');
  const { exploration } = explore(
    compile(checked),
    tracked.rules,
    { huge, gigantic: false, zones: false, swap: false },
    { sample: { executions: 1, seed, depth: null } },
  );
  const rules = [...tracked.read.keys()];
  const state = exploration.states[0];
  if (state !== undefined)
    return {
      how: 'ok',
      answers: state.text
        .split(';')
        .filter((t) => t.trim() !== '')
        .map((t) => t.slice(t.lastIndexOf('=') + 1)),
      rules,
    };
  const problem = exploration.problems[0] ?? exploration.reason ?? 'nothing';
  return { how: problem.startsWith('deadlock') ? 'deadlock' : problem, answers: [], rules };
};
