/**
 * Every message of the command line: a stable code, what it means, what to do, the exit status that goes with it, and a
 * command that gets it. Messages about what is in a litmus file have codes of their own (litmus/errors.ts).
 */

export interface Message {
  readonly title: string;
  readonly advice: string;
  /** 2: bad input or usage. 3: it could not be finished, or cannot be done here. */
  readonly status: 2 | 3;
  /** Words after `pinfold`, as a shell takes them. */
  readonly example: string;
  /** What the example prints on standard error; a test runs those that any machine can run. */
  readonly output: string;
}

const usage = (title: string, advice: string, example: string, output: string): Message => ({
  title,
  advice,
  status: 2,
  example,
  output,
});

const unable = (title: string, advice: string, example: string, output: string): Message => ({
  ...usage(title, advice, example, output),
  status: 3,
});

const MORE = '(pinfold --help lists the commands; pinfold COMMAND --help has examples)';

export const MESSAGES = {
  // Words of the command line
  C001: usage(
    'A command, option or argument that is unknown or missing',
    'see `pinfold --help`, or `pinfold COMMAND --help`',
    'chekc',
    `pinfold: error C001: unknown command 'chekc'\n(Did you mean check?)\n${MORE}`,
  ),
  C002: usage(
    'A number that the option cannot have',
    'write one of the kind that the message names',
    'check --max-states 0',
    'pinfold: error C002: --max-states 0: write a whole number from 1 on',
  ),
  C003: usage(
    'A word that is none of those that the option knows',
    'write one of those that the message lists',
    'check --color sometimes',
    'pinfold: error C003: --color sometimes: write auto, always or never',
  ),
  C004: usage(
    'Options or arguments that cannot be given together',
    'give one of them',
    'explain t.litmus --json --format dot',
    'pinfold: error C004: --json and --format dot: give one of the two',
  ),
  C005: usage(
    'An option that would change nothing',
    'leave it out, or add the option that it is for',
    'check --seed 3',
    'pinfold: error C005: --seed: it would change nothing; every execution is explored, none is sampled; add --random N to sample N of them',
  ),
  C006: usage(
    'An option or argument that another one asks for is missing',
    'add it',
    'check --compare',
    'pinfold: error C006: --compare: name the designs to compare, as in --design range-lock,bias-2019',
  ),
  // Names
  C010: usage(
    'A kernel that the model does not know, or a list of kernels that cannot be read',
    'write names with commas between them, as in 5.4,6.1..6.18; `pinfold kernels` lists them',
    'kernels show 9.9',
    "pinfold: error C010: unknown kernel version '9.9'; did you mean 7.3?",
  ),
  C011: usage(
    'More or fewer kernels than the command is about',
    'name as many as the message says',
    'kernels show 5.4..5.8',
    "pinfold: error C011: '5.4..5.8' names several kernels; name one",
  ),
  C012: usage(
    'A design variant that the model does not have',
    'name one of those that the message lists; `pinfold kernels` says what they change',
    'check --design x',
    'pinfold: error C012: --design x: there is no such design; known: pg-dma-pinned, range-lock, bias-2019, pin-longterm-only, enforce-coherency, grab-once, per-page',
  ),
  C013: usage(
    'A code that no message has',
    'see `pinfold errors` for all of them',
    'errors L999',
    "pinfold: error C013: 'L999' is no code of a message; `pinfold errors` lists them",
  ),
  C014: usage(
    'An end that the test does not have at this kernel, or several that the text fits',
    'name one of those that the message lists, or a part that no other has',
    'explain -k 6.12 two-writes.litmus --state r9=1',
    'pinfold: error C014: --state r9=1: name one of these ends at 6.12:\n  0:buf[0]=1;\n  0:buf[0]=2;',
  ),
  C015: usage(
    'A path that cannot be read, or that this test does not have at this kernel',
    'take it from an explanation of the same test and kernel by the same version of pinfold',
    'explain -k 6.12 two-writes.litmus --path 0.x',
    'pinfold: error C015: --path 0.x: write threads and how many decisions each takes, as in 0.7/2.4/1c1/0.3',
  ),
  C016: usage(
    'A call or a device that this kernel does not have',
    'choose another kernel with -k',
    'gup-test -k 5.5 -a -m 1',
    'pinfold: error C016: -k 5.5: no pin_user_pages() there; 5.6 is the first that has it',
  ),
  // Files
  C020: usage(
    'A path where nothing is',
    'check the spelling',
    'check nosuch.litmus',
    'nosuch.litmus: error C020: there is no such file or folder',
  ),
  C021: usage(
    'A path that leads to something that is neither a file nor a folder',
    'name a file or a folder; `pinfold check -` reads standard input',
    'check /dev/null',
    '/dev/null: error C021: neither a file nor a folder; name `-` to read standard input',
  ),
  C022: usage(
    'A file or folder that cannot be read',
    'see to it that this user may read it',
    'check /proc/self/mem',
    '/proc/self/mem: error C022: cannot be read (EIO: i/o error, read)',
  ),
  C023: usage(
    'A folder without a litmus file',
    'name a folder with files that end in `.litmus`',
    'check /proc/self/fdinfo',
    '/proc/self/fdinfo: error C023: no .litmus file in this folder',
  ),
  C024: usage(
    'Several tests where the command takes one',
    'name one of the files in the folder',
    'explain twins',
    'twins: error C024: this folder holds 2 tests; name one file',
  ),
  C025: usage(
    'Two tests of the same name',
    'give each a name of its own, in its first line',
    'check twins',
    "twins/two.litmus:1:3: error C025: the test is called 'two-writes', as the one in twins/one.litmus; give it a name of its own",
  ),
  C026: usage(
    'A file that cannot be written',
    'name a place where this user may write',
    'bisect --minimise -k 6.12 two-writes.litmus -o /nosuch/small.litmus',
    "/nosuch/small.litmus: error C026: cannot be written (ENOENT: no such file or directory, open '/nosuch/small.litmus')",
  ),
  C027: usage(
    'A file that is no journal of `pinfold check`',
    'name another file, which is made when it is not there',
    'check -k 6.12 two-writes.litmus --resume two-writes.litmus',
    'two-writes.litmus:1: error C027: no line of a journal of pinfold check',
  ),
  C028: unable(
    'Standard output cannot be written',
    'make room where it goes',
    'kernels >/dev/full',
    'standard output: error C028: cannot be written (ENOSPC: no space left on device, write)',
  ),
  C029: unable(
    'The library of tests that ships is missing from this installation',
    'name a file or a folder, or install pinfold anew',
    'check',
    'pinfold: error C029: the library of tests is missing from this installation; name a file or a folder',
  ),
  // What was asked for cannot be had
  C030: unable(
    'An exploration that could not be finished, so that there is no answer',
    'give it more by --max-states, --timeout or --memory; what is not modelled is never explored',
    'explain -k 6.12 two-writes.litmus --max-states 1 --path 0/1',
    'two-writes: error C030: at 6.12: Incomplete: limit of 1 states',
  ),
  C031: unable(
    'Nothing to show: the kernel lacks what the test uses, or no execution comes to its end',
    'choose another kernel with -k, or leave it out',
    'explain -k 6.12 vacuous.litmus',
    'vacuous: error C031: at 6.12: Vacuous: no execution comes to a state that the filter lets through',
  ),
  C032: unable(
    'A test that no C program can do: only the kernel itself can make some of its calls',
    'explore it with `pinfold check`',
    'run --emit-c pin-fork-write.litmus',
    'pin-fork-write.litmus: error C032: cannot be a C program: page_read(): only the kernel itself can make this call',
  ),
  C033: unable(
    "The range of `gup-test` cannot be made: the kernel's calls refuse it",
    'choose a smaller one, or other memory',
    'gup-test -f /hugetlbfs/x -T -m 1048576',
    'pinfold: error C033: mmap failed (error 12)',
  ),
  C034: unable(
    'A BUG of the kernel ended the run',
    'report it, with the command: the model should not come to it',
    'gup-test',
    'pinfold: error C034: the kernel ends in useAfterFree',
  ),
  C040: unable(
    'This machine cannot run programs for the comparison, or not now',
    'see to what the message names, or use another machine',
    'fuzz',
    'pinfold: error C040: only root sees page frames (/proc/PID/pagemap): run pinfold fuzz as root',
  ),
  C041: unable(
    'A kernel that cannot be fetched, unpacked or booted here',
    'see to what the message names',
    'run --kernel ./nothing two-writes.litmus',
    'pinfold: error C041: --kernel ./nothing: neither a version such as 6.1 nor a vmlinuz file or a folder that holds one',
  ),
} as const satisfies Record<string, Message>;

export type MessageCode = keyof typeof MESSAGES;

/** A problem as it is told: `SUBJECT: error CODE: text`; the subject is a file where it is about one. */
export const messageText = (code: MessageCode, text: string, subject = 'pinfold'): string =>
  `${subject}: error ${code}: ${text}`;
