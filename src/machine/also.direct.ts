/** See also.ts: nobody explores the direct forms. */
import type { Machine } from './machine.ts';

export function touchAlso(_k: Machine, _word: number): void {}
