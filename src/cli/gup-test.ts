/** `pinfold gup-test`: options and output of the kernel's gup_test (tools/testing/selftests/mm), on the model. */
import type { Command } from '@commander-js/extra-typings';

const EXAMPLES = `
Examples:
  pinfold gup-test -a -m 1024 -n 512            pin_user_pages_fast() of 1 GiB, 512 pages a call
  pinfold gup-test -k 5.15 -HL -m 1024 -r 10    FOLL_LONGTERM pins of hugetlb pages at 5.15
  pinfold gup-test -ct -F 0x1 0 19 0x1000       the page structures of three pages

Options may be written together (-ct), and of two that contradict each other the later one counts, as for gup_test.
-f takes /dev/zero, a path below /tmpfs or /hugetlbfs (the file is made as long as the range), and /dev/dax*.
Times are those of the model on this machine. What the kernel would log stands in the output, as comments.

A call that is refused makes the range short (truncated), as in the kernel; the status stays 0.

Exit status: 0 done; 2 bad usage; 3 the range could not be made.`;

/** Of options that contradict each other, the one that was written last. */
export interface LastWritten {
  /** What is called. */
  command: 'u' | 'a' | 'L' | 'U' | 'b' | 'c';
  /** FOLL_WRITE. */
  write: boolean;
  /** MADV_HUGEPAGE, MADV_NOHUGEPAGE, neither. */
  thp: boolean | null;
}

export const addGupTest = (program: Command): void => {
  const command = program
    .command('gup-test')
    .summary("the options and the output of the kernel's gup_test, on the model")
    .description(
      'Takes the pages of a range by one of the pinning calls, gives them back, and says how long both took.',
    )
    .argument('[PAGE...]', 'with -c: pages of the range whose structure is shown, from 0')
    .option('-u', 'get_user_pages_fast() (what runs when nothing is chosen)')
    .option('-a', 'pin_user_pages_fast()')
    .option('-L', 'pin_user_pages() with FOLL_LONGTERM')
    .option('-U', 'get_user_pages(), untimed')
    .option('-b', 'pin_user_pages(), untimed')
    .option('-c', 'show page structures')
    .option('-p', 'with -c: pin the pages')
    .option('-F <flags>', 'FOLL_* flags as the kernel numbers them (default: 0)')
    .option('-m <MiB>', 'size of the range (default: 128)')
    .option('-r <n>', 'how often, for what is timed (default: 1)')
    .option('-n <n>', 'pages a call; negative: all in one (default: 1)')
    .option('-j <n>', 'threads, each on a CPU of its own (default: 1)')
    .option('-w', 'FOLL_WRITE (so without it)')
    .option('-W', 'no FOLL_WRITE')
    .option('-f <path>', 'what is mapped (default: /dev/zero)')
    .option('-S', 'MAP_SHARED rather than MAP_PRIVATE')
    .option('-H', 'MAP_HUGETLB | MAP_ANONYMOUS')
    .option('-t', 'MADV_HUGEPAGE')
    .option('-T', 'MADV_NOHUGEPAGE')
    .option('-k, --kernel <version>', 'the kernel (default: the newest)')
    .addHelpText('after', EXAMPLES);
  // Of options that contradict each other the last one counts.
  const last: LastWritten = { command: 'u', write: true, thp: null };
  for (const letter of ['u', 'a', 'L', 'U', 'b', 'c'] as const)
    command.on(`option:${letter}`, () => {
      last.command = letter;
    });
  for (const letter of ['w', 'W'])
    command.on(`option:${letter}`, () => {
      last.write = letter === 'w';
    });
  for (const letter of ['t', 'T'])
    command.on(`option:${letter}`, () => {
      last.thp = letter === 't';
    });
  command.action(async (pages, options) => {
    // All of the model in two forms: for this command alone.
    const { gupTest } = await import('./gup-test-run.ts');
    await gupTest(pages, options, last);
  });
};
