/**
 * A witness for https://ui.perfetto.dev (Chrome's JSON trace format): a track a thread, a slice a statement with its steps
 * inside, counters for the pages. Time is steps: one microsecond each.
 */
import type { Explanation, PageCounts } from '../explore/explain/types.ts';
import { differencesText, labelOf } from './explain-rows.ts';

const PID = 1;

export const explainPerfetto = (x: Explanation): object => {
  const events: object[] = [
    { ph: 'M', pid: PID, name: 'process_name', args: { name: `${x.test} at ${x.kernel}` } },
    ...x.threads.map((t, i) => ({
      ph: 'M',
      pid: PID,
      tid: i + 1,
      name: 'thread_name',
      args: { name: t.name },
    })),
    ...x.start.map((c) => counter(c, 0)),
  ];
  for (const steps of Map.groupBy(x.steps, (s) => s.run).values()) {
    const [first] = steps;
    if (first?.line == null) continue;
    events.push({
      ...{ ph: 'X', pid: PID, tid: first.thread + 1, ts: first.index, dur: steps.length },
      ...{
        name: first.statement ?? `line ${first.line}`,
        cat: 'statement',
        args: { line: first.line },
      },
    });
  }
  for (const s of x.steps) {
    events.push({
      ...{ ph: 'X', pid: PID, tid: s.thread + 1, ts: s.index, dur: 1, cat: 'step' },
      name: labelOf(s) || `${s.access.operation} ${s.access.object}`,
      args: {
        step: s.index,
        access: `${s.access.operation} ${s.access.object}`,
        changes: differencesText(s.differences.filter((d) => d.kind !== 'internal')).join('; '),
        rules: s.rules.join(' '),
        source: s.source ?? '',
      },
    });
    for (const text of s.moments)
      events.push({
        ph: 'i',
        s: 'g',
        pid: PID,
        tid: s.thread + 1,
        ts: s.index,
        name: text,
        cat: 'moment',
      });
    for (const c of s.counts) events.push(counter(c, s.index));
  }
  return {
    displayTimeUnit: 'ns',
    traceEvents: events,
    otherData: { test: x.test, hash: x.hash, kernel: x.kernel, end: x.end.text, path: x.path },
  };
};

const counter = (c: PageCounts, ts: number): object => ({
  ...{ ph: 'C', pid: PID, ts, name: c.page },
  args: { refs: c.refs, pins: c.pins, maps: c.maps },
});
