import { API_RULES } from './api.ts';
import { CALL_RULES } from './calls.ts';
import { COW_RULES } from './cow.ts';
import { DESIGN_RULES } from './designs.ts';
import { DISK_RULES } from './disk.ts';
import { FAST_RULES } from './fast.ts';
import { FILE_RULES } from './files.ts';
import { FOLL_RULES } from './foll.ts';
import { FORK_RULES } from './fork.ts';
import { GUP_RULES } from './gup.ts';
import { HUGE_RULES } from './huge.ts';
import { LONGTERM_RULES } from './longterm.ts';
import { MEMORY_RULES } from './memory.ts';
import { MOVEMENT_RULES } from './movement.ts';
import { PIN_RULES } from './pin.ts';
import { USER_RULES } from './users.ts';

/** Every rule, in the order in which listings show them. */
export const ALL_RULES = [
  ...COW_RULES,
  ...GUP_RULES,
  ...PIN_RULES,
  ...FORK_RULES,
  ...FAST_RULES,
  ...LONGTERM_RULES,
  ...MEMORY_RULES,
  ...MOVEMENT_RULES,
  ...HUGE_RULES,
  ...FILE_RULES,
  ...DISK_RULES,
  ...USER_RULES,
  ...CALL_RULES,
  ...API_RULES,
  ...FOLL_RULES,
  ...DESIGN_RULES,
] as const;
