/** What decoding a step needs to know, and how the things of a machine are called at that step. */
import type { CheckedTest } from '../../litmus/checked.ts';
import type { Lit } from '../../litmus/run/program.ts';
import {
  entryPfn,
  isNone,
  isPresent,
  isProtnone,
  PTE,
  SWP,
  swpOffset,
  swpType,
} from '../../machine/entry.ts';
import { PG } from '../../machine/page.ts';
import type { EntryAddr, FileId, MmId, Pfn, Vpn } from '../../machine/types.ts';
import { FILE_BLOCKS } from '../../mm/file-tables.ts';
import type { Survey } from './survey.ts';
import { Tables } from './tables.ts';

const LEVELS = ['pte', 'pmd', 'pud', 'p4d', 'pgd'];

export class Context {
  readonly checked: CheckedTest;
  readonly k: Lit;
  readonly survey: Survey;
  readonly tables: Tables;
  /** The step that is being decoded, from 1. */
  step = 0;

  constructor(checked: CheckedTest, k: Lit, survey: Survey) {
    this.checked = checked;
    this.k = k;
    this.survey = survey;
    this.tables = new Tables(k);
  }

  /** `page buf`, `page 17` for one without a name, `page table 9`, `block 0 of /ext4/f`. */
  page(frame: Pfn): string {
    const name = this.survey.nameAt(frame, this.step);
    if (name !== null) return `page ${name}`;
    const block = this.block(frame);
    if (block !== null) return block;
    return ((this.k.page.flags[frame] ?? 0) & PG.table) !== 0
      ? `page table ${frame}`
      : `page ${frame}`;
  }

  /** `/ext4/f`, `file 3` for one without a name. */
  file(file: FileId): string {
    const { lit, program } = this.k;
    const name = file === 0 ? -1 : lit.names.indexOf(file);
    return program.strings[name] ?? `file ${file}`;
  }

  /** `block 0 of /ext4/f` for a page frame that stands for a block of a medium; null for any other. */
  block(frame: Pfn): string | null {
    const word = frame === 0 ? -1 : this.k.file.block.indexOf(frame);
    if (word < 0) return null;
    return `block ${word % FILE_BLOCKS} of ${this.file(Math.floor(word / FILE_BLOCKS))}`;
  }

  /** As `page`, or as it was called while it was not free. */
  pageOnce(frame: Pfn): string {
    const name = this.survey.nameAt(frame, this.step) ?? this.survey.lastName(frame);
    return name === null ? this.page(frame) : `page ${name}`;
  }

  /** A page of the test's own memory, whose changes a reader wants to see. */
  isNamed(frame: Pfn): boolean {
    return frame !== this.k.zeroPfn && this.survey.nameAt(frame, this.step) !== null;
  }

  /** Name of a process: that of its first thread. */
  process(index: number): string {
    return this.k.program.threads.find((t) => t.process === index && !t.kernelOnly)?.name ?? '?';
  }

  /** Whose address space it is. */
  mm(mm: MmId): string {
    const process = this.survey.processOf(mm, this.step);
    return process < 0 ? `mm ${mm}` : this.process(process);
  }

  /** Some thread that has started runs in the address space. */
  isRunning(mm: MmId): boolean {
    const { program, lit, task } = this.k;
    return program.threads.some((_, t) => lit.life[t] === 1 && task.mm[lit.task[t] ?? 0] === mm);
  }

  /** Name of a thread of the machine. */
  thread(t: number): string {
    return this.k.program.threads[t]?.name ?? 'device';
  }

  /** `buf in P0`. */
  address(mm: MmId, vpn: Vpn): string {
    return `${this.survey.addressName(mm, vpn, this.step)} in ${this.mm(mm)}`;
  }

  /** `pte of buf in P0`; `owner` is the frame of the table that holds the entry. */
  entryObject(owner: Pfn, e: EntryAddr): { readonly text: string; readonly level: number } {
    const place = this.tables.entryIn(owner, e);
    if (place === undefined)
      return { text: `entry ${(e % 1024) >>> 1} of page table ${owner}`, level: -1 };
    return {
      text: `${LEVELS[place.level] ?? 'entry'} of ${this.address(place.mm, place.vpn)}`,
      level: place.level,
    };
  }

  /** What an entry says: `page buf rw dirty`, `none`, `swap slot 3 exclusive`. */
  entryText(lo: number, hi: number, isTable: boolean): string {
    if (isNone(lo, hi)) return 'none';
    if (!isPresent(lo)) return this.#swapText(lo, hi);
    const frame = entryPfn(lo, hi);
    if (isTable) return `table ${frame}`;
    const words = [this.page(frame), (lo & PTE.write) !== 0 ? 'rw' : 'ro'];
    if (isProtnone(lo)) words.push('protnone');
    if ((lo & PTE.pse) !== 0) words.push('huge');
    if ((lo & PTE.dirty) !== 0) words.push('dirty');
    if ((lo & PTE.uffdWp) !== 0) words.push('uffd-wp');
    return words.join(' ');
  }

  #swapText(lo: number, hi: number): string {
    const type = swpType(hi);
    const target = swpOffset(lo, hi);
    if (type === SWP.swap) {
      return `swap slot ${target}${(lo & PTE.swpExclusive) !== 0 ? ' exclusive' : ''}`;
    }
    if (type >= SWP.migrationRead && type <= SWP.migrationWrite)
      return `migration of ${this.page(target)}${type === SWP.migrationWrite ? ' rw' : ' ro'}`;
    if (type === SWP.guard) return 'guard';
    return type === SWP.hwpoison ? 'hwpoison' : 'marker';
  }
}
