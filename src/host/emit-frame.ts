/** What of the frame differs from test to test: what is counted, waited for and mounted. */

/** Before each run, and between its initial block and its threads. */
export const beforeRun = (
  counters: readonly string[],
  hugetlb: boolean,
  flight: boolean,
  ring: boolean,
): string[] => [
  'static void after_initial_block(void) {',
  ...(flight
    ? [
        '  slow_disk(shared->seed % 2 == 0); /* in every second run the requests of the test stay in flight */',
      ]
    : []),
  '}',
  '',
  '/* Before each run: what the last one left must have gone. */',
  'static void before_run(void) {',
  ...(flight ? ['  slow_disk(0);'] : []),
  ...(hugetlb
    ? [
        '  /* A ring that was killed gives its huge pages back a little later. */',
        '  for (int i = 0; i < 200; i++) {',
        '    char line[128];',
        '    long total = 0, unused = 0;',
        '    FILE *file = fopen("/proc/meminfo", "re");',
        '    while (file != NULL && fgets(line, sizeof line, file) != NULL) {',
        '      sscanf(line, "HugePages_Total: %ld", &total);',
        '      sscanf(line, "HugePages_Free: %ld", &unused);',
        '    }',
        '    if (file != NULL) fclose(file);',
        '    if (total == unused) break;',
        '    usleep(10000);',
        '  }',
      ]
    : []),
  ...(counters.length > 0 && ring
    ? ['  usleep(20000); /* the last ring, too, counts its pages when it goes */']
    : []),
  ...(counters.length > 0 ? ['  count_all();'] : []),
  '}',
];

/** Counters are the whole machine's: a run beside which somebody else moved them says nothing. */
export const quiet = (counters: readonly string[]): string[] => {
  const moved = counters.map((name, i) => `counter("${name}") != counted[${i}]`).join(' || ');
  if (counters.length === 0) return ['static int disturbed(void) { return 0; }'];
  return [
    'static void count_all(void) {',
    ...counters.map((name, i) => `  counted[${i}] = counter("${name}");`),
    '}',
    '',
    '/* Whether somebody else on this machine moves the counters just now. */',
    'static int disturbed(void) {',
    '  count_all();',
    '  usleep(2000);',
    `  return ${moved};`,
    '}',
  ];
};

/** What the new root holds besides /tmpfs and /proc. */
export const mountFileSystems = (
  disk: string | null,
  hugetlbfs: boolean,
  debugfs: boolean,
  sysfs: boolean,
): string[] => [
  `static const char *const folders[] = {"/tmpfs"${disk === null ? '' : `, "/${disk}"`}${hugetlbfs ? ', "/hugetlbfs"' : ''}};`,
  'static void mount_file_systems(void) {',
  ...(disk === null
    ? []
    : [
        `  if (image == NULL) give_up("/${disk}: no image of a file system was given (--image FILE)");`,
        `  mount_image(image, "${disk}");`,
      ]),
  ...(debugfs ? ['  mount_at("debug", "pinfold", "debugfs", NULL);'] : []),
  ...(sysfs ? ['  mount_at("sys", "pinfold", "sysfs", NULL);'] : []),
  ...(hugetlbfs ? ['  mount_at("hugetlbfs", "pinfold", "hugetlbfs", "mode=700");'] : []),
  '}',
];
