/**
 * `pin`: what pinning and releasing a page costs: the direct form in plain and in shared memory
 * beside a C program of the same walk (peer/walk.c) and this machine's kernel (peer/ring.c), taking
 * turns in one run. Every call is the whole of pin_user_pages_fast() and unpin_user_pages().
 */
import { FORMS, type FormName, KERNEL, type Order, Pinner } from './forms.ts';
import { type Contender, printTable, type Round, ratio, shown, spread, takeTurns, verdict } from './measure.ts';
import { buildPeer, NoPeer, Peer } from './peers.ts';

const PAGES = [512, 1 << 18] as const;
const ORDERS: readonly Order[] = ['sequential', 'scattered'];
/** At most so many times as long as the C walk. */
const LIMIT: Readonly<Record<FormName, number>> = { plain: 1.3, shared: 3.5 };

const pinTime = (round: Round): number => round.pin;
const unpinTime = (round: Round): number => round.unpin;

/** Calls in one round: a few pages are done before the clock ticks. */
function times(pages: number): number {
  return pages < 4096 ? 512 : 1;
}

function sizeName(pages: number): string {
  return pages === 1 << 18 ? '1 GiB' : `${pages} pages`;
}

/** Runs every case and prints the table. */
export async function pin(): Promise<void> {
  console.log(`pin: nanoseconds a page, kernel ${KERNEL} modelled; median (middle half) of rounds that take turns`);
  const walk = available('walk', 'the C walk');
  const ring = available('ring', "this machine's kernel");
  const rows: string[][] = [];
  for (const order of ORDERS) {
    const pinners = (Object.keys(FORMS) as FormName[]).map((form) => ({ form, pinner: new Pinner(form, order) }));
    for (const pages of PAGES) rows.push(...(await measure(order, pages, pinners, walk, ring)));
    for (const { pinner } of pinners) pinner.check();
  }
  printTable(['', 'pin', 'unpin', 'pin : C', 'unpin : C', 'limit', '', 'both : kernel', ''], rows);
}

/** A peer's program; null, with the reason printed, when it cannot run here. */
function available(name: string, what: string): string | null {
  try {
    return buildPeer(name);
  } catch (error) {
    return skip(what, error);
  }
}

function skip(what: string, error: unknown): null {
  if (!(error instanceof NoPeer)) throw error;
  console.log(`  skipped: ${what}: ${error.message}`);
  return null;
}

async function measure(
  order: Order,
  pages: number,
  pinners: readonly { readonly form: FormName; readonly pinner: Pinner }[],
  walk: string | null,
  ring: string | null,
): Promise<string[][]> {
  const c = walk === null ? null : new Peer('C walk', walk, [order, String(pages)], pages);
  const kernel = ring === null ? null : await slope(ring, pages);
  const ours: Contender[] = pinners.map(({ form, pinner }) => ({
    name: form,
    round: () => pinner.round(pages, times(pages)),
  }));
  const all = [...ours, ...(c === null ? [] : [c]), ...(kernel === null ? [] : [kernel])];
  const seen = await takeTurns(all, 6, pages < 4096 ? 40 : 24);
  for (const peer of [c, kernel]) peer?.end();
  const of = (contender: Contender | null): Round[] | null =>
    contender === null ? null : (seen[all.indexOf(contender)] ?? null);
  const reference = of(c);
  const system = of(kernel);
  const title = `${sizeName(pages)} ${order}`;
  const rows = pinners.map(({ form }, i) => {
    const rounds = seen[i] ?? [];
    const row = [`${title}, ${form} memory`, spread(rounds.map(pinTime)), spread(rounds.map(unpinTime))];
    if (reference === null) row.push('-', '-', '-', '-');
    else {
      const ratios = [pinTime, unpinTime].map((t) => ratio(rounds, reference, t));
      const limit = LIMIT[form];
      row.push(...ratios.map(shown), String(limit), verdict(Math.max(...ratios), limit));
    }
    if (system === null) row.push('-', '-');
    else {
      const both = ratio(rounds, system, (r) => r.pin + r.unpin);
      row.push(shown(both), verdict(both, 1));
    }
    return row;
  });
  for (const [name, rounds] of [['C walk', reference], ["this machine's kernel, 4 KiB pages", system]] as const) {
    if (rounds !== null) rows.push([`${title}, ${name}`, spread(rounds.map(pinTime)), spread(rounds.map(unpinTime))]);
  }
  return rows;
}

/** The kernel's cost of one page more: what `pages` pages take beyond a smaller buffer, by page. */
class Slope implements Contender {
  readonly name = 'kernel';
  readonly #small: Peer;
  readonly #large: Peer;
  readonly #pages: number;
  readonly #fewer: number;

  constructor(program: string, pages: number, fewer: number) {
    this.#small = new Peer('small', program, ['small', String(fewer)], 1);
    this.#large = new Peer('large', program, ['small', String(pages)], 1);
    this.#pages = pages;
    this.#fewer = fewer;
  }

  async round(): Promise<Round> {
    const small = await this.#small.round();
    const large = await this.#large.round();
    const more = this.#pages - this.#fewer;
    return { pin: (large.pin - small.pin) / more, unpin: (large.unpin - small.unpin) / more };
  }

  end(): void {
    this.#small.end();
    this.#large.end();
  }
}

async function slope(program: string, pages: number): Promise<Slope | null> {
  const kernel = new Slope(program, pages, pages === PAGES[0] ? 1 : PAGES[0]);
  try {
    await kernel.round();
    return kernel;
  } catch (error) {
    kernel.end();
    return skip("this machine's kernel", error);
  }
}
