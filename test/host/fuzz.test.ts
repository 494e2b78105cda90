/** `pinfold fuzz`: its programs, its minimiser, its statistics, and a few programs on this machine's kernel. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FuzzModel } from '../../src/cli/fuzz-model.ts';
import { explore } from '../../src/explore/explore.ts';
import { NO_NEEDS } from '../../src/explore/setup.ts';
import { FUZZ_CALLS } from '../../src/host/fuzz/calls.ts';
import { difference, fuzz, type Sides } from '../../src/host/fuzz/fuzz.ts';
import { generate } from '../../src/host/fuzz/generate.ts';
import { minimise } from '../../src/host/fuzz/minimise.ts';
import { Peer } from '../../src/host/fuzz/peer.ts';
import { bodies, type FuzzProgram, type Mix } from '../../src/host/fuzz/program.ts';
import { Store } from '../../src/host/fuzz/store.ts';
import { litmusText, questionTexts } from '../../src/host/fuzz/text.ts';
import { Host } from '../../src/host/machine.ts';
import { modelledRelease, runningRelease } from '../../src/host/release.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { compile } from '../../src/litmus/compile/index.ts';
import { parse, print } from '../../src/litmus/index.ts';
import { cannotRun, checkedText } from './helpers.ts';

/** What only the initial block does, or what comes from the order of threads. */
const INIT_OR_ORDER = new Set([
  'post',
  'await',
  'pipe',
  'memfd_create',
  'ftruncate',
  'open',
  'set_nr_hugepages',
]);

const MIX_OF: readonly ReadonlySet<Mix>[] = [new Set(['hugetlb']), new Set(['direct'])];

const texts = (seed: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => litmusText(generate(seed, i)));

const fuzzModel = new FuzzModel('6.18');
const model: Sides['model'] = (wanted) =>
  Promise.resolve(wanted.map((t) => fuzzModel.outcome(checkedText(t))));

describe('random programs', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(texts(5, 20)).toEqual(texts(5, 20));
    expect(texts(6, 20)).not.toEqual(texts(5, 20));
  });

  it('parse, check, and are printed canonically', () => {
    for (const text of texts(1, 60)) {
      const { checked, diagnostics } = parse(text, 't.litmus');
      expect(diagnostics, text).toEqual([]);
      expect(checked === undefined ? '' : print(checked.test)).toBe(text);
    }
  });

  it('reach forks, pins, huge pages, moves and files', () => {
    const programs = Array.from({ length: 600 }, (_, i) => generate(1, i, MIX_OF[i % 6]));
    const used = new Set(programs.flatMap((p) => p.ops.flatMap((o) => [o.call, o.args[2]?.text])));
    for (const name of Object.keys(FUZZ_CALLS).filter((n) => !INIT_OR_ORDER.has(n)))
      expect(used).toContain(name);
    expect(used).toContain('MADV_COLLAPSE');
    expect(used).toContain('MADV_WIPEONFORK');
    expect(new Set(programs.flatMap((p) => p.regions.map((r) => r.kind))).size).toBe(6);
  });

  it('have one end in the model, whoever could run first', () => {
    // Two seeds of the scheduler: with one thread at a time they must not matter.
    for (let i = 0; i < 8; i++) {
      const checked = checkedText(litmusText(generate(3, i)));
      const { answers } = fuzzModel.outcome(checked, 1);
      expect(fuzzModel.outcome(checked, 99).answers).toEqual(answers);
    }
  });

  it('have one end also with direct I/O in flight, counters and swap', () => {
    const mixed = new FuzzModel('6.18', true);
    const mix = new Set<Mix>(['direct', 'counters', 'swap']);
    let flights = 0;
    for (let i = 0; i < 12; i++) {
      const program = generate(8, i, mix);
      expect(bodies(program)).not.toBeNull();
      flights += program.ops.filter((o) => o.call === 'io_submit').length;
      const checked = checkedText(litmusText(program));
      const { how, answers } = mixed.outcome(checked, 1);
      expect([how, answers.length]).toEqual(['ok', questionTexts(program).length]);
      expect(mixed.outcome(checked, 99).answers).toEqual(answers);
    }
    expect(flights).toBeGreaterThan(4);
  });

  it('keep a request in flight until it is waited for', () => {
    const text = `C flight
{
  char *a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int d = open("/ext4/f", O_RDWR | O_CREAT | O_DIRECT, 0600);
  a[0] = 1;
  pwrite(d, a, 4096, 0);
}
P0() {
  io_submit(IOCB_CMD_PWRITE, d, a, 512, 0);
  a[0] = 2;
  r0 = io_getevents();
  r1 = pread(d, a, 512, 0);
  r2 = a[0];
}
locations [0:r0; 0:r1; 0:r2;]
exists (true)`;
    expect(fuzzModel.outcome(checkedText(text)).answers).toEqual(['512', '512', '2']);
  });

  it('that leave a request behind, or use the file beside it, are none', () => {
    const mix = new Set<Mix>(['direct']);
    const program = Array.from({ length: 50 }, (_, i) => generate(8, i, mix)).find((p) =>
      p.ops.some((o) => o.call === 'io_submit'),
    ) as FuzzProgram;
    const without = program.ops.filter((o) => o.call !== 'io_getevents');
    expect(bodies({ ...program, ops: without })).toBeNull();
  });

  it('end on a machine that is used again as they do on one that was just booted', () => {
    const again = new FuzzModel('6.18');
    for (const text of texts(4, 30)) {
      const checked = checkedText(text);
      const { how, answers } = new FuzzModel('6.18').outcome(checked);
      expect(again.outcome(checked)).toMatchObject({ how, answers });
    }
  });

  it('end as the explorer says', () => {
    for (const text of texts(4, 8)) {
      const checked = checkedText(text);
      const needs = { ...NO_NEEDS, huge: /HUGE|COLLAPSE/.test(text) };
      const sample = { executions: 1, seed: 7, depth: null };
      const { exploration } = explore(compile(checked), rulesFor('6.18'), needs, { sample });
      const { how, answers } = fuzzModel.outcome(checked);
      const values = (exploration.states[0]?.text ?? '').matchAll(/=([^=;]*);/g);
      expect([how, ...answers]).toEqual(['ok', ...[...values].map((v) => v[1])]);
    }
  });
});

describe('the minimiser', () => {
  it('leaves what the disagreement needs', async () => {
    const needed = (index: number): boolean =>
      generate(1, index).ops.some((o) => o.call === 'vmsplice') &&
      generate(1, index).ops.length > 10;
    const index = Array.from({ length: 100 }, (_, i) => i).find(needed) ?? 0;
    const program = generate(1, index);
    const small = await minimise(program, async (candidates) =>
      candidates.map((c) => c.ops.some((o) => o.call === 'vmsplice')),
    );
    expect(bodies(small)).not.toBeNull();
    const thread = small.ops.find((o) => o.call === 'vmsplice')?.thread ?? 0;
    expect(small.ops.filter((o) => o.call !== 'fork').map((o) => o.call)).toEqual(['vmsplice']);
    expect(small.ops.length).toBeLessThanOrEqual(1 + thread);
    expect(small.init.every((o) => o.call !== 'store')).toBe(true);
  });
});

describe('the fuzzer', () => {
  const folder = (): string => mkdtempSync(join(tmpdir(), 'pinfold-fuzz-'));
  const options = {
    seed: 1,
    from: 0,
    time: 60_000,
    mix: new Set<Mix>(),
    release: '6.18-planted',
    kernel: '6.18',
  };

  it('finds a planted disagreement, saves it small, and counts', async () => {
    const out = folder();
    const store = new Store(join(out, 'fuzz.sqlite'));
    // Two sides that always agree, but for programs that fork.
    let asked: readonly string[] = [];
    const sides: Sides = {
      model: (wanted) => {
        asked = wanted;
        return Promise.resolve(wanted.map(() => ({ how: 'ok', answers: [], rules: ['a.rule'] })));
      },
      kernel: async () => {
        await Promise.resolve();
        return asked.map((t) => ({ how: t.includes('fork(') ? 'planted' : 'ok', answers: [] }));
      },
    };
    const result = await fuzz(
      sides,
      { ...options, count: 6, out },
      store,
      () => false,
      () => undefined,
    );
    expect(result.programs).toBe(6);
    expect(result.files.length).toBeGreaterThan(0);
    expect(store.disagreements()).toBe(result.files.length);
    const text = readFileSync(result.files[0] ?? '', 'utf8');
    expect(text).toContain('kernel: planted; model: ok');
    expect(text).toContain('--seed 1');
    expect(text.match(/fork\(/g)).toHaveLength(1);
    expect(parse(text, 'found.litmus').diagnostics).toEqual([]);
    expect(store.next(1)).toBe(6);
    expect(store.tally('call').get('store')).toBeGreaterThan(0);
    expect(store.tally('rule').get('a.rule')).toBe(6);
    store.close();
    expect(readdirSync(out)).toContain('fuzz.sqlite');
    rmSync(out, { recursive: true });
  });

  it('names each answer that differs', () => {
    const p = generate(1, 0);
    const same = questionTexts(p).map(() => '0');
    const other = same.with(0, '7');
    expect(difference(p, { how: 'ok', answers: same }, { how: 'ok', answers: same })).toBeNull();
    expect(difference(p, { how: 'ok', answers: other }, { how: 'ok', answers: same })).toEqual([
      `${questionTexts(p)[0]}: kernel 7, model 0`,
    ]);
  });

  const why = cannotRun();
  it.skipIf(why !== null || modelledRelease(runningRelease()) !== '6.18')(
    `agrees with this machine's kernel on 40 programs${why === null ? '' : ` (skipped: ${why})`}`,
    async () => {
      const out = folder();
      const host = new Host();
      const peer = Peer.start(host);
      if ('reason' in peer) throw new Error(peer.reason);
      const store = new Store(':memory:');
      try {
        const sides: Sides = { kernel: (lines) => peer.run(lines), model };
        const result = await fuzz(
          sides,
          { ...options, seed: 2, count: 40, out },
          store,
          () => false,
          () => undefined,
        );
        expect(result.files.map((f) => readFileSync(f, 'utf8'))).toEqual([]);
        expect(store.tally('end').get('ok')).toBe(40);
      } finally {
        peer.close();
        store.close();
        host.close();
        rmSync(out, { recursive: true });
      }
    },
    60_000,
  );
});
