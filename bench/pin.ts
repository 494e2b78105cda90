/**
 * `pin`: what pinning and releasing a page costs: the direct form in plain and in shared memory
 * beside a C program of the same walk (peer/walk.c) and this machine's kernel (peer/ring.c), taking
 * turns in one run. Every call is the whole of pin_user_pages_fast() and unpin_user_pages().
 */
import { FOLL } from '../src/mm/foll.ts';
import { type FormName, KERNEL, type Order, Pinner } from './forms.ts';
import {
  type Contender,
  printTable,
  type Round,
  ratio,
  shown,
  spread,
  takeTurns,
  verdict,
} from './measure.ts';
import { openPeer, type Peer } from './peers.ts';

const PAGES = [512, 1 << 18] as const;
const ORDERS: readonly Order[] = ['sequential', 'scattered'];
/** At most so many times as long as the C walk. */
const LIMIT: Readonly<Record<FormName, number>> = { plain: 1.3, shared: 3.5 };

const pinTime = (round: Round): number => round.pin;
const unpinTime = (round: Round): number => round.unpin;

const FORM_NAMES: readonly FormName[] = ['plain', 'shared'];

function sizeName(pages: number): string {
  return pages === 1 << 18 ? '1 GiB' : `${pages} pages`;
}

/** Runs every case and prints the table. */
export async function pin(): Promise<void> {
  console.log(
    `pin: nanoseconds a page, kernel ${KERNEL} modelled; median (middle half) of rounds that take turns`,
  );
  const rows: string[][] = [];
  for (const order of ORDERS) {
    const pinners = FORM_NAMES.map((form) => ({ form, pinner: new Pinner(form, order) }));
    for (const pages of PAGES) rows.push(...(await measure(order, pages, pinners)));
    for (const { pinner } of pinners) pinner.check();
  }
  printTable(['', 'pin', 'unpin', 'pin : C', 'unpin : C', 'limit', '', 'both : kernel', ''], rows);
  console.log(
    '  C: the atomic walk of bench/peer/walk.c. Kernel: io_uring registers and unregisters a buffer of as',
  );
  console.log(
    '  many 4 KiB pages (bench/peer/ring.c); its time is that of one page more. Limits: docs/benchmarks.md.',
  );
}

async function measure(
  order: Order,
  pages: number,
  pinners: readonly { readonly form: FormName; readonly pinner: Pinner }[],
): Promise<string[][]> {
  const c = await openPeer('C walk', 'walk', [order, String(pages)], 1);
  const kernel = await openSlope(pages);
  const ours: Contender[] = pinners.map(({ form, pinner }) => ({
    name: `${form} memory`,
    round: () => pinner.round(pages),
  }));
  // What io_uring asks for: like for like beside the kernel.
  const longterm = pinners.slice(0, 1).map(({ form, pinner }) => ({
    name: `${form} memory, FOLL_LONGTERM`,
    round: () => pinner.round(pages, FOLL.write | FOLL.longterm),
  }));
  const all = [...ours, ...longterm, ...[c, kernel].filter((peer) => peer !== null)];
  const seen = await takeTurns(all, pages === PAGES[0] ? 40 : 10, pages === PAGES[0] ? 120 : 30);
  for (const peer of [c, kernel]) peer?.end();
  const of = (contender: Contender | null): readonly Round[] | null =>
    contender === null ? null : (seen[all.indexOf(contender)] ?? null);
  return all.map(({ name }, i) => {
    const rounds = seen[i] ?? [];
    const row = [
      `${sizeName(pages)} ${order}, ${name}`,
      spread(rounds.map(pinTime)),
      spread(rounds.map(unpinTime)),
    ];
    if (i >= ours.length + longterm.length) return row;
    const form = pinners[i]?.form;
    return [...row, ...judged(rounds, form === undefined ? null : LIMIT[form], of(c), of(kernel))];
  });
}

/** The cells that compare `rounds` with the two peers; without a `limit` nothing is said of the first. */
function judged(
  rounds: readonly Round[],
  limit: number | null,
  c: readonly Round[] | null,
  kernel: readonly Round[] | null,
): string[] {
  const cells: string[] = [];
  if (c === null) cells.push('-', '-', '-', '');
  else {
    const ratios = [pinTime, unpinTime].map((time) => ratio(rounds, c, time));
    cells.push(...ratios.map(shown));
    cells.push(
      ...(limit === null ? ['-', ''] : [String(limit), verdict(Math.max(...ratios), limit)]),
    );
  }
  if (kernel === null) return [...cells, '-'];
  const both = ratio(rounds, kernel, (round) => round.pin + round.unpin);
  return [...cells, shown(both), verdict(both, 1)];
}

/** This kernel's cost of one page more: what a buffer takes beyond a smaller one, by page. */
class Slope implements Contender {
  readonly name = "this machine's kernel";
  readonly #small: Peer;
  readonly #large: Peer;
  readonly #more: number;

  constructor(small: Peer, large: Peer, more: number) {
    this.#small = small;
    this.#large = large;
    this.#more = more;
  }

  async round(): Promise<Round> {
    const small = await this.#small.round();
    const large = await this.#large.round();
    return {
      pin: (large.pin - small.pin) / this.#more,
      unpin: (large.unpin - small.unpin) / this.#more,
    };
  }

  end(): void {
    this.#small.end();
    this.#large.end();
  }
}

async function openSlope(pages: number): Promise<Slope | null> {
  const fewer = pages === PAGES[0] ? 1 : PAGES[0];
  const large = await openPeer("this machine's kernel", 'ring', ['small', String(pages)], 1);
  const small =
    large === null
      ? null
      : await openPeer('the same, fewer pages', 'ring', ['small', String(fewer)], 1);
  if (large === null || small === null) {
    large?.end();
    return null;
  }
  return new Slope(small, large, pages - fewer);
}
