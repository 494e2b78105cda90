/**
 * Debian's other suites through the machine's own apt: a private state for each suite, so that nothing of the machine's
 * is changed; the mirror is the one that the machine's configuration names, and apt checks signatures and sums.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './cache.ts';
import { type KernelPackages, kernelsIn, type Package, parsePackages } from './packages.ts';
import { KernelProblem } from './problem.ts';

/** Where to look for a kernel, in this order: what holds newer point releases stands first. */
export const SUITES = [
  'bullseye-security',
  'bookworm-security',
  'trixie-security',
  'trixie-backports',
  'sid',
  'experimental',
  'bullseye',
  'bookworm',
  'trixie',
] as const;
export type Suite = (typeof SUITES)[number];

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Milliseconds for which a list is not asked for again. */
const FRESH = 12 * 3600_000;

interface Mirror {
  readonly main: string;
  readonly security: string;
}

/** Reads `URI LABEL` lines of the machine's own lists. */
export const mirrorOf = (targets: string): Mirror | null => {
  const named = (label: string): string | undefined =>
    targets
      .split('\n')
      .map((l) => l.split(' '))
      .find(([uri, ...rest]) => uri !== undefined && uri !== '' && rest.join(' ') === label)?.[0];
  const main = named('Debian');
  if (main === undefined) return null;
  return {
    main,
    security: named('Debian-Security') ?? main.replace(/debian\/?$/, 'debian-security'),
  };
};

const machineMirror = (): Mirror => {
  const asked = spawnSync(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI) $(LABEL)', 'Created-By: Packages'],
    { encoding: 'utf8' },
  );
  if (asked.error !== undefined)
    throw new KernelProblem(
      'kernels are fetched with apt, and there is no apt-get here; name a vmlinuz file with --kernel instead',
    );
  const mirror = mirrorOf(asked.stdout);
  if (mirror === null)
    throw new KernelProblem(
      "this machine's apt knows no Debian mirror (apt-get update first, or name a vmlinuz file with --kernel)",
    );
  return mirror;
};

/** One suite's private state. */
export class SuiteLists {
  readonly suite: Suite;
  readonly #config: string;
  readonly #stamp: string;

  constructor(suite: Suite) {
    this.suite = suite;
    const folder = cacheFolder('apt', suite);
    for (const part of ['lists/partial', 'cache/archives/partial', 'empty'])
      mkdirSync(join(folder, part), { recursive: true });
    this.#config = join(folder, 'apt.conf');
    this.#stamp = join(folder, 'updated');
    const mirror = machineMirror();
    const uri = suite.endsWith('-security') ? mirror.security : mirror.main;
    const signed = existsSync(KEYRING) ? `signed-by=${KEYRING}` : '';
    writeFileSync(join(folder, 'sources.list'), `deb [${signed}] ${uri} ${suite} main\n`);
    const settings: Readonly<Record<string, string>> = {
      'Dir::Etc::sourcelist': join(folder, 'sources.list'),
      'Dir::Etc::sourceparts': join(folder, 'empty'),
      'Dir::Etc::preferencesparts': join(folder, 'empty'),
      'Dir::State::Lists': join(folder, 'lists'),
      'Dir::State::status': '/dev/null',
      'Dir::Cache': join(folder, 'cache'),
      'APT::Architecture': 'amd64',
      'Acquire::Languages': 'none',
      // An old suite's release file is past its date; its signature is checked all the same.
      'Acquire::Check-Valid-Until': 'false',
      'Acquire::Retries': '3',
      'APT::Get::List-Cleanup': '0',
      'APT::Sandbox::User': process.getuid?.() === 0 ? 'root' : '',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
    writeFileSync(this.#config, `${lines.join('\n')}\nAPT::Architectures { "amd64"; };\n`);
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, APT_CONFIG: this.#config, LC_ALL: 'C' };
  }

  /** Gets the suite's list unless that was done a short time ago. */
  async refresh(): Promise<void> {
    const age = Date.now() - (statSync(this.#stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age < FRESH) return;
    await this.#apt(['update', '-qq'], join(this.#stamp, '..'));
    writeFileSync(this.#stamp, '');
    utimesSync(this.#stamp, new Date(), new Date());
  }

  kernels(): KernelPackages[] {
    const names = '^linux-(image|binary|binary-unsigned|modules)-[0-9].*-cloud-amd64(-unsigned)?$';
    const asked = spawnSync('apt-cache', ['search', '--names-only', '--full', names], {
      encoding: 'utf8',
      env: this.#env,
      maxBuffer: 64 * 2 ** 20,
    });
    if (asked.status !== 0)
      throw new KernelProblem(`apt-cache search (${this.suite}): ${firstLine(asked.stderr)}`);
    return kernelsIn(parsePackages(asked.stdout));
  }

  /** The .deb in `folder`; apt goes on where an earlier call was stopped. */
  async download(p: Package, folder: string): Promise<string> {
    await this.#apt(['download', '-qq', `${p.name}=${p.version}`], folder);
    // apt writes `:` of a version as %3a.
    for (const name of [p.file, `${p.name}_${p.version.replaceAll(':', '%3a')}_amd64.deb`])
      if (existsSync(join(folder, name))) return join(folder, name);
    throw new KernelProblem(`apt-get download ${p.name}: no file came`);
  }

  #apt(args: readonly string[], folder: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn('apt-get', args, {
        cwd: folder,
        env: this.#env,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let complaint = '';
      child.stderr.setEncoding('utf8');
      child.stderr.on('data', (text: string) => {
        complaint = (complaint + text).slice(0, 4000);
      });
      const fail = (why: string): void =>
        reject(new KernelProblem(`apt-get ${args[0]} (${this.suite}): ${why}`));
      child.on('error', (error) => fail(error.message));
      child.on('close', (code) => {
        if (code === 0) resolve();
        else fail(firstLine(complaint) || `status ${code}`);
      });
    });
  }
}

/** The first error, without what a URI may hold of names and passwords. */
const firstLine = (text: string): string => {
  const lines = text.split('\n').filter((l) => l.trim() !== '');
  const line = lines.find((l) => l.startsWith('E:')) ?? lines[0] ?? '';
  return line.replace(/(https?:\/\/)[^/\s]*@/g, '$1').trim();
};
