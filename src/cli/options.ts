/** Options that several commands have, and what they refuse. */
import { parseKernelList } from '../kernels/index.ts';
import { userError } from './errors.ts';

/** A number above 0. */
export const positive = (option: string, text: string): number => {
  const n = Number(text);
  if (!Number.isFinite(n) || n <= 0)
    throw userError('C002', `${option} ${text}: write a number above 0`);
  return n;
};

/** A whole number, `least` or more. */
export const whole = (option: string, text: string, least: number): number => {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < least)
    throw userError('C002', `${option} ${text}: write a whole number from ${least} on`);
  return n;
};

/** The kernels that `-k` names. */
export const kernelsOf = (text: string): readonly string[] => {
  const parsed = parseKernelList(text);
  if (!parsed.ok) throw userError('C010', `-k: ${parsed.message}`);
  return parsed.kernels;
};

/** As the helps of the commands say. */
const LIMIT_DEFAULTS = { maxStates: '4000000', timeout: '120', memory: '4096' } as const;

interface LimitOptions {
  readonly maxStates?: string | undefined;
  readonly timeout?: string | undefined;
  readonly memory?: string | undefined;
}

/** `--max-states`, `--timeout` and `--memory`, in states, milliseconds and bytes. */
export const limitsOf = (
  options: LimitOptions,
): { readonly states: number; readonly time: number; readonly bytes: number } => ({
  states: whole('--max-states', options.maxStates ?? LIMIT_DEFAULTS.maxStates, 1),
  time: 1000 * positive('--timeout', options.timeout ?? LIMIT_DEFAULTS.timeout),
  bytes: 2 ** 20 * positive('--memory', options.memory ?? LIMIT_DEFAULTS.memory),
});

/** Refuses options that would change nothing: each given, with what it would need. */
export const refuseIdle = (
  given: Readonly<Record<string, unknown>>,
  idle: boolean,
  advice: string,
): void => {
  if (!idle) return;
  for (const [option, value] of Object.entries(given))
    if (value !== undefined && value !== false)
      throw userError('C005', `${option}: it would change nothing; ${advice}`);
};

/**
 * Runs work that can be stopped: the first interrupt calls `stop` and lets the work end with what it has; a second one ends the
 * program at once.
 */
export const stoppable = async <T>(work: Promise<T>, stop: () => void): Promise<T> => {
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await work;
  } finally {
    process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
  }
};
