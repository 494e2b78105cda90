import { afterEach, expect, test, vi } from 'vitest';
import { SearchMeter } from '../../src/cli/progress.ts';

afterEach(() => void vi.restoreAllMocks());

test('states, rate, queue and an estimate of the whole', () => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const meter = new SearchMeter();
  const at = (states: number): string =>
    meter.search('t', '6.1', { states, steps: 2 * states, depth: 40, bytes: 3 << 20 });
  expect(meter.search('t', '6.1', null)).toBe('');
  expect(at(1000)).toBe(': 1000 states, queue 40, 3 MiB');
  now = 2000;
  expect(at(31_000)).toBe(': 31.0k states, 15.0k/s, queue 40, 3 MiB');
  // The search was begun anew.
  expect(at(500)).toBe(': 500 states, queue 40, 3 MiB');
  meter.finished('t', 2_500_000);
  now = 3000;
  expect(at(1500)).toBe(': 1500 states of about 2.5M, 1000/s, queue 40, 3 MiB');
  expect(meter.left(2, 10)).toBe('');
  expect(meter.left(3, 10)).toBe(' (about 7 s left)');
  now = 600_000;
  expect(meter.left(5, 10)).toBe(' (about 10 min left)');
  expect(meter.left(10, 10)).toBe('');
});
