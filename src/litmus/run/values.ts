/** C values in the words of the machine: 64 bits in two words, of which a number holds 53 exactly. */
import { pageByte, setPageByte } from '../../machine/contents.ts';
import type { Pfn, Vpn } from '../../machine/types.ts';
import { type Instruction, type Lit, RESULT } from './program.ts';

const PAGE_SIZE = 4096;
const TWO_32 = 2 ** 32;

/** Value of variable `v`. */
export function getVar(k: Lit, v: number): number {
  return k.lit.vars[2 * v + 1] * TWO_32 + (k.lit.vars[2 * v] >>> 0);
}

/** Sets variable `v`. */
export function setVar(k: Lit, v: number, value: number): void {
  k.lit.vars[2 * v] = value | 0;
  k.lit.vars[2 * v + 1] = Math.floor(value / TWO_32);
  k.lit.assigned[v] = 1;
}

/** Forgets the intermediate values that the instruction used: states that differ in nothing else are the same. */
export function dropUsed(k: Lit, pc: number): void {
  for (const v of instructionAt(k, pc).drops) unset(k, v);
}

/** Forgets what nobody looks at again from the instruction on. */
export function forget(k: Lit, pc: number): void {
  for (const v of instructionAt(k, pc).forgets) unset(k, v);
}

function unset(k: Lit, v: number): void {
  k.lit.vars[2 * v] = 0;
  k.lit.vars[2 * v + 1] = 0;
  k.lit.assigned[v] = 0;
}

/** The instruction at `pc`, which is inside the code. */
export function instructionAt(k: Lit, pc: number): Instruction {
  return k.program.code[pc] as Instruction;
}

/** Argument `i` of the instruction. */
export function arg(k: Lit, pc: number, i: number): number {
  const evaluate = instructionAt(k, pc).args[i];
  return evaluate === undefined ? 0 : evaluate(k);
}

/** How many arguments were written. */
export function argCount(k: Lit, pc: number): number {
  return instructionAt(k, pc).args.length;
}

/** The same as a 32-bit integer, as the calls of the model take them. */
export function argInt(k: Lit, pc: number, i: number): number {
  return arg(k, pc, i) | 0;
}

/**
 * The page number that stands for every address outside what the model's user space holds (31 bits of page numbers):
 * nothing is ever mapped there.
 */
const NOWHERE = 0x7ffffe00;

const vpnOf = (address: number): Vpn => {
  const vpn = Math.floor(address / PAGE_SIZE);
  return vpn >= 0 && vpn < NOWHERE ? vpn : NOWHERE;
};

/** End of user space on x86-64 (TASK_SIZE_MAX). */
const TASK_SIZE = 2 ** 47 - PAGE_SIZE;

/** An address or size that Linux would take and that page numbers of 31 bits do not hold. */
export function beyondModel(k: Lit, pc: number, i: number): boolean {
  const value = arg(k, pc, i);
  return value >= NOWHERE * PAGE_SIZE && value < TASK_SIZE;
}

/** Whether a size is larger than user space. */
export function outsideSize(k: Lit, pc: number, i: number): boolean {
  return arg(k, pc, i) < 0 || arg(k, pc, i) > TASK_SIZE;
}

/** Whether a range of arguments `i` (address) and `j` (size) leaves user space. */
export function outsideUser(k: Lit, pc: number, i: number, j: number): boolean {
  const [address, size] = [arg(k, pc, i), arg(k, pc, j)];
  return address < 0 || size < 0 || address + size > TASK_SIZE;
}

/** Page number of an address argument, `done` bytes further on. */
export function argVpn(k: Lit, pc: number, i: number, done = 0): Vpn {
  return vpnOf(arg(k, pc, i) + done);
}

/** Offset in its page of an address or size argument. */
export function argOff(k: Lit, pc: number, i: number): number {
  const value = arg(k, pc, i);
  return value - Math.floor(value / PAGE_SIZE) * PAGE_SIZE;
}

/** Pages that a size in bytes fills, the last one in part; at most as many as there are above page `from`. */
export function argPages(k: Lit, pc: number, i: number, from: Vpn): number {
  return Math.min(Math.ceil(arg(k, pc, i) / PAGE_SIZE), NOWHERE - from);
}

/** Index of an array of pages in `kmem`, -1 for NULL. */
export function argPageArray(k: Lit, pc: number, i: number): number {
  const at = argInt(k, pc, i);
  return at === 0 ? -1 : at;
}

/** Stores what an instruction gave. */
export function storeResult(k: Lit, pc: number, raw: number): void {
  const instruction = instructionAt(k, pc);
  const value = instruction.result === RESULT.address && raw >= 0 ? raw * PAGE_SIZE : raw;
  if (instruction.dst >= 0) setVar(k, instruction.dst, value);
  if (instruction.dstKmem !== null) k.kmem[instruction.dstKmem(k)] = value;
  if (instruction.dstElement !== null) setVar(k, instruction.dstElement(k), value);
}

/** `size` bytes of a page as a C integer, little-endian. */
export function loadBytes(k: Lit, pfn: Pfn, off: number, size: number, signed: boolean): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + pageByte(k, pfn, off + i);
  const limit = 2 ** (8 * size - 1);
  return signed && value >= limit ? value - 2 * limit : value;
}

/** Stores the low `size` bytes of a value, least first. Not a step. */
export function storeBytes(k: Lit, pfn: Pfn, off: number, size: number, value: number): void {
  let rest = value;
  for (let i = 0; i < size; i++) {
    setPageByte(k, pfn, off + i, rest & 255);
    rest = Math.floor(rest / 256);
  }
}
