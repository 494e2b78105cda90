/** The kernel's self-tests beside the library: TAP is read as kselftest prints it, and the table says who differs. */
import { expect, test } from 'vitest';
import { casesOf, selftestSection } from '../../tools/selftests-page.ts';

const TAP = `# [INFO] detected THP size: 2048 KiB
TAP version 13
1..6
# [RUN] Basic COW after fork() ... with base page
ok 1 No leak from parent into child
# [RUN] vmsplice() + unmap in child ... with hugetlb (2048 kB)
not ok 2 Leak from parent into child # XFAIL
# [RUN] vmsplice() + unmap in child ... with base page
not ok 3 Leak from parent into child
# [RUN] R/O GUP pin on R/O-mapped shared page ... with base page
ok 4 # SKIP gup_test not available
# [RUN] Basic COW after fork() ... with PTE-mapped THP (64 kB)
ok 5 No leak from parent into child
# [RUN] Basic COW after fork() when collapsing before fork()
ok 6 No leak from parent into child
# Totals: pass:3 fail:1 xfail:1 xpass:0 skip:1 error:0
`;

test('results, memory and reasons of each case', () =>
  expect(casesOf(TAP).map((c) => [c.memory, c.result, c.reason])).toEqual([
    ['base page', 'ok', ''],
    ['hugetlb (2048 kB)', 'xfail', ''],
    ['base page', 'not ok', ''],
    ['base page', 'skip', 'gup_test not available'],
    ['PTE-mapped THP (64 kB)', 'ok', ''],
    ['', 'ok', ''],
  ]));

test('a case stands beside its test of the library, and a difference is marked', () => {
  const answers: Readonly<Record<string, string>> = {
    'basic-cow': 'Never',
    'vmsplice-child-hugetlb': 'Always',
    'vmsplice-child': 'Never',
    'ro-pin-shared': 'Always',
  };
  const section = selftestSection({
    release: '6.18.1',
    source: 'linux-source-6.12',
    day: '2026-11-21',
    programs: [{ name: 'cow', cases: casesOf(TAP) }],
    library: Object.fromEntries(
      Object.entries(answers).map(([name, model]) => [name, { model, host: '' }]),
    ),
  });
  const rows = section.filter((l) => /^\| (Basic|vmsplice|R\/O)/.test(l));
  expect(rows.map((r) => r.split(' | ').at(-1))).toEqual(['yes |', 'yes |', '**no** |', ' |']);
  expect(section.join('\n')).toContain(
    '6 cases: 3 ok, 1 expected failures, 1 not ok, 1 skipped (1 gup_test',
  );
});
