/**
 * `explore`: how fast the search goes: tests of the library, explored whole at one kernel, with and
 * without the reduction.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checker } from '../src/explore/check.ts';
import { rulesFor } from '../src/kernels/index.ts';
import { checkTest } from '../src/litmus/index.ts';
import { KERNEL } from './forms.ts';
import { median, printTable, shown } from './measure.ts';

const LIBRARY = join(import.meta.dirname, '..', 'library');
