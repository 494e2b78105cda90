/** Random programs of the accepted subset: TypeScript text, made by decisions from a tape of numbers. */

/** Reads a tape of decisions; behind its end every decision is 0, the simplest. */
class Tape {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  pick(n: number): number {
    return (this.#numbers[this.#at++] ?? 0) % n;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.pick(choices.length)] as T;
  }
}

interface Scope {
  readonly numbers: string[];
  readonly booleans: string[];
  /** Numbers that may be assigned: no loop counters, no constants. */
  readonly writable: string[];
  readonly loop: boolean;
  readonly breakable: boolean;
}

export interface RandomProgram {
  readonly text: string;
  /** Functions that were made, in order, each with three parameters: two numbers and a boolean. */
  readonly names: readonly string[];
}

const HEAD = `import { add, quiet, read, type Steps, test, toggle, write } from './steps.ts';
import type { Toy } from './toy.ts';
`;

/** A module of `count` functions that call the primitives, each other, and themselves to a bounded depth. */
export function randomProgram(numbers: readonly number[], count: number): RandomProgram {
  const tape = new Tape(numbers);
  const names = Array.from({ length: count }, (_, i) => `f${i}`);
  const text = names.map((name, i) => new Maker(tape, names.slice(0, i), name).make()).join('\n');
  return { text: `${HEAD}\n${text}`, names };
}

class Maker {
  readonly #tape: Tape;
  readonly #callable: readonly string[];
  readonly #name: string;
  #budget = 14;
  #counters = 0;

  constructor(tape: Tape, callable: readonly string[], name: string) {
    this.#tape = tape;
    this.#callable = callable;
    this.#name = name;
  }

  make(): string {
    const scope: Scope = {
      numbers: ['a', 'b'],
      booleans: ['c'],
      writable: ['a', 'b'],
      loop: false,
      breakable: false,
    };
    const body = this.#statements(scope, 3 + this.#tape.pick(4), 1);
    return `export function* ${this.#name}(k: Toy, a: number, b: number, c: boolean): Steps<number> {\n${body}  return ${this.#number(scope, 1)};\n}\n`;
  }

  #statements(outer: Scope, count: number, depth: number): string {
    const scope: Scope = {
      ...outer,
      numbers: [...outer.numbers],
      booleans: [...outer.booleans],
      writable: [...outer.writable],
    };
    // Names that must not be declared here. An outer name may be hidden only before anything else, as what stands
    // above the declaration would read the inner one too early.
    const declared = new Set<string>(depth === 1 ? ['a', 'b', 'c'] : []);
    let text =
      depth > 1 && this.#tape.pick(2) === 0
        ? `${'  '.repeat(depth)}${this.#declaration(scope, declared)}\n`
        : '';
    for (const name of [...scope.numbers, ...scope.booleans]) declared.add(name);
    for (let i = 0; i < count; i++) text += this.#statement(scope, declared, depth);
    return text;
  }

  #statement(scope: Scope, declared: Set<string>, depth: number): string {
    const pad = '  '.repeat(depth);
    const nested = depth < 4 && this.#budget-- > 0;
    switch (this.#tape.pick(nested ? 18 : 10)) {
      case 0:
        return `${pad}yield ${100 + this.#tape.pick(100)};\n`;
      case 1:
        return `${pad}yield* write(k, ${this.#number(scope, 1)}, ${this.#number(scope, 1)});\n`;
      case 2:
      case 3:
        return `${pad}${this.#declaration(scope, declared)}\n`;
      case 4:
        return `${pad}${this.#assignment(scope)}\n`;
      case 5:
        return `${pad}k.words[${this.#number(scope, 1)} & 15] ${this.#tape.of(['=', '+=', '^=', '-=', '<<='])} ${this.#number(scope, 2)};\n`;
      case 6:
        return `${pad}k.page.count[${this.#tape.pick(16)}]${this.#tape.of(['++', '--'])};\n`;
      case 7:
        return `${pad}k.page.flags[${this.#number(scope, 0)} & 15] = yield* ${this.#call(scope)};\n`;
      case 8:
        return this.#leave(scope, pad);
      case 9:
        return `${pad}yield* quiet(k, ${this.#number(scope, 0)});\n`;
      case 10:
      case 11:
        return this.#if(scope, depth, pad);
      case 12:
        return this.#for(scope, depth, pad);
      case 13:
        return this.#while(scope, depth, pad);
      case 14:
        return this.#switch(scope, depth, pad);
      case 15:
        return `${pad}{\n${this.#statements(scope, 1 + this.#tape.pick(3), depth + 1)}${pad}}\n`;
      case 16:
        return this.#recursion(scope, pad);
      default:
        return this.#doWhile(scope, depth, pad);
    }
  }

  #declaration(scope: Scope, declared: Set<string>): string {
    // Few names, so that they shadow each other.
    const fresh = ['a', 'b', 'x', 'y', 'z', 'c', 'p', 'q'].filter((n) => !declared.has(n));
    if (fresh.length === 0) return ';';
    const name = this.#tape.of(fresh);
    const hidden: Scope = without(scope, name);
    if ('cpq'.includes(name)) {
      const value =
        this.#tape.pick(2) === 0 ? this.#condition(hidden, 2) : this.#boolean(hidden, 2);
      declared.add(name);
      forget(scope, name);
      scope.booleans.push(name);
      return `${this.#tape.of(['const', 'let'])} ${name} = ${value};`;
    }
    const value = this.#value(hidden);
    declared.add(name);
    forget(scope, name);
    scope.numbers.push(name);
    const constant = this.#tape.pick(2) === 0;
    if (!constant) scope.writable.push(name);
    return `${constant ? 'const' : 'let'} ${name} = ${value};`;
  }

  #assignment(scope: Scope): string {
    if (scope.writable.length === 0) return ';';
    const name = this.#tape.of(scope.writable);
    switch (this.#tape.pick(5)) {
      case 0:
        return `${name} = ${this.#value(scope)};`;
      case 1:
        return `${name} = (${name} + ${this.#number(scope, 1)}) | 0;`;
      case 2:
        return `${name} ^= yield* ${this.#call(scope)};`;
      case 3:
        return `${name} = (${name} * 3 + (yield* ${this.#call(scope)})) | 0;`;
      default:
        return `${name} = ${this.#condition(scope, 1)} ? ${this.#value(scope)} : ${this.#number(scope, 1)};`;
    }
  }

  #leave(scope: Scope, pad: string): string {
    const test = this.#condition(scope, 1);
    switch (this.#tape.pick(4)) {
      case 0:
        return scope.breakable
          ? `${pad}if (${test}) break;\n`
          : `${pad}if (${test}) return ${this.#number(scope, 1)};\n`;
      case 1:
        return scope.loop
          ? `${pad}if (${test}) continue;\n`
          : `${pad}if (${test}) return yield* ${this.#call(scope)};\n`;
      case 2:
        return `${pad}if (${test}) return yield* ${this.#call(scope)};\n`;
      default:
        return `${pad}if (${this.#boolean(scope, 1)}) return ${this.#number(scope, 1)};\n`;
    }
  }

  #if(scope: Scope, depth: number, pad: string): string {
    const test = this.#condition(scope, 2);
    const yes = this.#statements(scope, 1 + this.#tape.pick(3), depth + 1);
    if (this.#tape.pick(2) === 0) return `${pad}if (${test}) {\n${yes}${pad}}\n`;
    return `${pad}if (${test}) {\n${yes}${pad}} else {\n${this.#statements(scope, 1 + this.#tape.pick(3), depth + 1)}${pad}}\n`;
  }

  #for(scope: Scope, depth: number, pad: string): string {
    const i = `i${this.#counters++}`;
    const inner: Scope = { ...scope, numbers: [...scope.numbers, i], loop: true, breakable: true };
    return `${pad}for (let ${i} = 0; ${i} < ${1 + this.#tape.pick(3)}; ${i}++) {\n${this.#statements(inner, 1 + this.#tape.pick(4), depth + 1)}${pad}}\n`;
  }

  #while(scope: Scope, depth: number, pad: string): string {
    const n = `n${this.#counters++}`;
    const inner: Scope = { ...scope, loop: true, breakable: true };
    const test = this.#condition(scope, 1);
    return `${pad}let ${n} = ${1 + this.#tape.pick(3)};\n${pad}while (${n}-- > 0 && ${test}) {\n${this.#statements(inner, 1 + this.#tape.pick(3), depth + 1)}${pad}}\n`;
  }

  #doWhile(scope: Scope, depth: number, pad: string): string {
    const n = `n${this.#counters++}`;
    const inner: Scope = { ...scope, loop: true, breakable: true };
    const body = this.#statements(inner, 1 + this.#tape.pick(3), depth + 1);
    return `${pad}let ${n} = ${1 + this.#tape.pick(2)};\n${pad}do {\n${body}${pad}} while (${n}-- > 0 && ${this.#condition(scope, 1)});\n`;
  }

  #switch(scope: Scope, depth: number, pad: string): string {
    const inner: Scope = { ...scope, breakable: true };
    let text = `${pad}switch (${this.#tape.pick(3) === 0 ? `yield* ${this.#call(scope)}` : `${this.#number(scope, 1)} & 3`}) {\n`;
    const cases = 1 + this.#tape.pick(3);
    const otherwise = this.#tape.pick(cases + 1);
    for (let i = 0; i < cases; i++) {
      text += i === otherwise ? `${pad}  default: {\n` : `${pad}  case ${i}: {\n`;
      text += this.#statements(inner, 1 + this.#tape.pick(2), depth + 2);
      text += this.#tape.pick(3) === 0 ? `${pad}  }\n` : `${pad}    break;\n${pad}  }\n`;
    }
    return `${text}${pad}}\n`;
  }

  #recursion(scope: Scope, pad: string): string {
    // Nothing else writes this array, so that all calls together go a few levels deep and no further.
    const depth = `d${this.#counters++}`;
    const call = `${this.#name}(k, ${this.#number(scope, 1)}, ${this.#number(scope, 1)}, ${this.#boolean(scope, 1)})`;
    return `${pad}const ${depth} = k.regions[3];\n${pad}if (${depth}[0] < 6) {\n${pad}  ${depth}[0]++;\n${pad}  k.words[13] = yield* ${call};\n${pad}}\n`;
  }

  /** A number, or the result of a call. */
  #value(scope: Scope): string {
    switch (this.#tape.pick(4)) {
      case 0:
        return `yield* ${this.#call(scope)}`;
      case 1:
        return `(${this.#tape.pick(9)} - (yield* ${this.#call(scope)})) | 0`;
      default:
        return this.#number(scope, 2);
    }
  }

  #call(scope: Scope): string {
    const first = this.#number(scope, 1);
    const which = this.#tape.pick(this.#callable.length === 0 ? 2 : 3);
    if (which === 0) return `read(k, ${first})`;
    if (which === 1) return `add(k, ${first}, ${this.#number(scope, 1)})`;
    return `${this.#tape.of(this.#callable)}(k, ${first}, ${this.#number(scope, 1)}, ${this.#boolean(scope, 1)})`;
  }

  #number(scope: Scope, depth: number): string {
    if (depth === 0)
      return this.#tape.pick(3) === 0 || scope.numbers.length === 0
        ? String(this.#tape.pick(20))
        : this.#tape.of(scope.numbers);
    switch (this.#tape.pick(6)) {
      case 0:
        return String(this.#tape.pick(20));
      case 1:
        return `((${this.#number(scope, depth - 1)} ${this.#tape.of(['+', '-', '*', '^', '&', '>>'])} ${this.#number(scope, depth - 1)}) | 0)`;
      case 2:
        return `k.words[${this.#number(scope, depth - 1)} & 15]`;
      case 3:
        return `(${this.#boolean(scope, depth - 1)} ? ${this.#number(scope, depth - 1)} : ${this.#number(scope, depth - 1)})`;
      default:
        return this.#number(scope, 0);
    }
  }

  /** Without a yield. */
  #boolean(scope: Scope, depth: number): string {
    if (depth === 0 || this.#tape.pick(3) === 0)
      return scope.booleans.length === 0 ? 'true' : this.#tape.of(scope.booleans);
    switch (this.#tape.pick(4)) {
      case 0:
        return `!${this.#boolean(scope, 0)}`;
      case 1:
        return `(${this.#boolean(scope, depth - 1)} ${this.#tape.of(['&&', '||'])} ${this.#boolean(scope, depth - 1)})`;
      default:
        return `(${this.#number(scope, depth - 1)} ${this.#tape.of(['<', '===', '!==', '>='])} ${this.#number(scope, depth - 1)})`;
    }
  }

  /** Perhaps with yields, in the places where they may be. */
  #condition(scope: Scope, depth: number): string {
    if (depth === 0) return this.#boolean(scope, 1);
    switch (this.#tape.pick(6)) {
      case 0:
        return `(yield* ${this.#tape.of(['test', 'toggle'])}(k, ${this.#number(scope, 1)}, ${1 + this.#tape.pick(7)}))`;
      case 1:
        return `!${this.#condition(scope, depth - 1)}`;
      case 2:
        return `(${this.#condition(scope, depth - 1)} && ${this.#condition(scope, depth - 1)})`;
      case 3:
        return `(${this.#condition(scope, depth - 1)} || ${this.#condition(scope, depth - 1)})`;
      case 4:
        return `((yield* ${this.#call(scope)}) ${this.#tape.of(['<', '===', '>'])} ${this.#tape.pick(20)})`;
      default:
        return this.#boolean(scope, depth);
    }
  }
}

function without(scope: Scope, name: string): Scope {
  const keep = (n: string) => n !== name;
  return {
    ...scope,
    numbers: scope.numbers.filter(keep),
    booleans: scope.booleans.filter(keep),
    writable: scope.writable.filter(keep),
  };
}

function forget(scope: Scope, name: string): void {
  for (const list of [scope.numbers, scope.booleans, scope.writable]) {
    for (let i = list.length - 1; i >= 0; i--) if (list[i] === name) list.splice(i, 1);
  }
}
