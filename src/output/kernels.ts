import Table from 'cli-table3';
import {
  allKernels,
  baseVersion,
  changesIn,
  DESIGNS,
  diffRules,
  PROFILES,
  RULES,
  type RuleData,
  type RuleLiteral,
  type RuleStep,
  releaseYear,
  rulesFor,
  ruleValue,
  stepAt,
} from '../kernels/index.ts';

/*
 * What `pinfold kernels` prints: the versions of the model, the rules of one, the difference of two. Pure: data in,
 * text without colour or JSON out. Unknown names throw RangeError; the command checks them with
 * parseKernelList first.
 */

const SCHEMA = 'pinfold.kernels/1';

/** Names of rules in the short list of a version's changes. */
const SHORT_LIST = 4;
const TEXT_WIDTH = 100;

/** `pinfold kernels`: every version with its year and what changed in it, the profiles, the designs. */
export function kernelsText(): string {
  const versions = plainTable(['VERSION', 'YEAR', 'CHANGED', 'RULES']);
  for (const version of allKernels) {
    const changes = changesIn(version).map((rule) => rule.name);
    versions.push([
      version,
      String(releaseYear(version) ?? ''),
      countOf(version, changes),
      shortList(changes),
    ]);
  }
  const profiles = plainTable(['KERNEL', 'BASE', 'CHANGED', 'RULES']);
  for (const profile of PROFILES) {
    const names = profile.overrides.map((o) => o.rule);
    profiles.push([profile.name, profile.base, String(names.length), shortList(names)]);
  }
  const designs = plainTable(['DESIGN', 'BASE', 'CHANGED', 'RULES']);
  for (const design of DESIGNS) {
    const names = Object.keys(design.overrides);
    designs.push([design.name, design.base, String(names.length), shortList(names)]);
  }
  return [
    render(versions),
    `${allKernels.length} mainline versions, ${RULES.length} rules. CHANGED: rules that differ from the version before.\n`,
    'Kernels with backports, against their base:\n',
    render(profiles),
    'Designs that no release took over, against their base:\n',
    render(designs),
  ].join('\n');
}

function countOf(version: string, changes: readonly string[]): string {
  return version === allKernels[0] ? '-' : String(changes.length);
}

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, SHORT_LIST).join(' ');
  return names.length > SHORT_LIST ? `${shown} +${names.length - SHORT_LIST}` : shown;
}

/** `pinfold kernels --json`. */
export function kernelsJson() {
  return {
    schema: SCHEMA,
    kind: 'list',
    kernels: allKernels.map((version) => ({
      name: version,
      year: releaseYear(version) ?? null,
      changed: changesIn(version).map((rule) => rule.name),
    })),
    profiles: PROFILES.map(({ name, base, sentence, overrides }) => ({
      name,
      base,
      sentence,
      overrides,
    })),
    designs: DESIGNS.map(({ name, base, sentence, overrides, source }) => ({
      name,
      base,
      sentence,
      overrides,
      source,
    })),
    rules: RULES.map((rule) => {
      const { id, name, sentence, values, source } = rule;
      return { id, name, sentence, values, source, unread: unreadOf(rule) };
    }),
  };
}

/** `pinfold kernels show KERNEL`: every rule's value there, and since when. */
export function kernelText(kernel: string): string {
  const rules = rulesFor(kernel);
  const base = baseVersion(kernel);
  const overridden = overridesOf(kernel);
  const table = plainTable(['ID', 'RULE', 'VALUE', 'SINCE']);
  for (const rule of RULES) {
    const reason = overridden.get(rule.name);
    const since = reason === undefined ? sinceOf(rule.name, base) : `backport: ${reason}`;
    table.push([rule.id, rule.name, valueText(rule.name, ruleValue(rules, rule.name)), since]);
  }
  return `${headOf(kernel)}\n\n${render(table)}\n${unreadText()}`;
}

/** Rules that are known but that the model does not read, with the reason. */
function unreadText(): string {
  const table = plainTable(['RULE', 'WHY THE MODEL DOES NOT READ IT']);
  for (const rule of RULES) {
    const why = unreadOf(rule);
    if (why !== null) table.push([rule.name, why]);
  }
  return render(table);
}

function unreadOf(rule: RuleData): string | null {
  return rule.unread ?? null;
}

function headOf(kernel: string): string {
  const profile = PROFILES.find((p) => p.name === kernel);
  if (profile !== undefined) {
    return `Kernel ${kernel}: ${profile.sentence} Mainline ${profile.base} with ${profile.overrides.length} rules changed.`;
  }
  return `Kernel ${kernel} (${releaseYear(kernel) ?? ''}), mainline .0 release.`;
}

function overridesOf(kernel: string): ReadonlyMap<string, string> {
  const profile = PROFILES.find((p) => p.name === kernel);
  return new Map(profile?.overrides.map((o) => [o.rule, o.reason]) ?? []);
}

function sinceOf(name: string, version: string): string {
  const step = stepOf(name, version);
  if (step?.from === undefined) return '';
  return step.commit === undefined ? step.from : `${step.from} ${step.commit}`;
}

function stepOf(name: string, version: string): RuleStep | undefined {
  const rule = RULES.find((r) => r.name === name);
  return rule === undefined ? undefined : stepAt(rule, version);
}

/** `pinfold kernels show KERNEL --json`. */
export function kernelJson(kernel: string) {
  const rules = rulesFor(kernel);
  const overridden = overridesOf(kernel);
  return {
    schema: SCHEMA,
    kind: 'kernel',
    name: kernel,
    base: baseVersion(kernel),
    year: releaseYear(baseVersion(kernel)) ?? null,
    rules: RULES.map((rule) => {
      const step = stepAt(rule, baseVersion(kernel));
      const backport = overridden.get(rule.name) ?? null;
      return {
        id: rule.id,
        name: rule.name,
        value: ruleValue(rules, rule.name),
        since: backport === null ? (step.from ?? null) : null,
        commit: backport === null ? (step.commit ?? null) : null,
        title: backport === null ? (step.title ?? null) : null,
        backport,
        sentence: rule.sentence,
        source: rule.source,
      };
    }),
  };
}

/** `pinfold kernels diff A B`: each rule that differs: old and new value, the commits between, what it decides. */
export function diffText(a: string, b: string): string {
  const differences = diffRules(a, b);
  if (differences.length === 0) return `No rule of the model differs between ${a} and ${b}.\n`;
  const blocks = differences.map((d) => {
    const name = d.rule.name;
    const lines = [
      `${name} (${d.rule.id}): ${valueText(name, d.from)} -> ${valueText(name, d.to)}`,
    ];
    for (const step of d.steps) lines.push(`  ${stepText(name, step)}`);
    for (const backport of d.backports) lines.push(`  backport: ${backport}`);
    lines.push(...wrap(d.rule.sentence, TEXT_WIDTH - 2).map((line) => `  ${line}`));
    return lines.join('\n');
  });
  const rules = differences.length === 1 ? 'rule differs' : 'rules differ';
  return `${differences.length} ${rules} between ${a} and ${b}.\n\n${blocks.join('\n\n')}\n`;
}

function stepText(name: string, step: RuleStep): string {
  const commit = step.commit === undefined ? '' : ` ${step.commit}`;
  const title = step.title === undefined ? '' : ` ${step.title}`;
  return `${step.from ?? ''}: ${valueText(name, step.value)}${commit}${title}`;
}

/** `pinfold kernels diff A B --json`. */
export function diffJson(a: string, b: string) {
  return {
    schema: SCHEMA,
    kind: 'diff',
    from: a,
    to: b,
    differences: diffRules(a, b).map((d) => ({
      id: d.rule.id,
      rule: d.rule.name,
      from: d.from,
      to: d.to,
      changes: d.steps.map(({ value, from, commit, title }) => ({
        value,
        release: from ?? null,
        commit: commit ?? null,
        title: title ?? null,
      })),
      backports: d.backports,
      sentence: d.rule.sentence,
      source: d.rule.source,
    })),
  };
}

/** Booleans as yes and no; flag masks in hexadecimal, as the kernel's sources and `gup_test -F` write them. */
function valueText(name: string, value: RuleLiteral): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number' && (name.startsWith('foll.') || name === 'fast.flags')) {
    return value === 0 ? 'absent' : `0x${value.toString(16)}`;
  }
  return String(value);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}

/** A table without borders and colours: columns two spaces apart. */
function plainTable(head: string[]): Table.Table {
  const none = '';
  return new Table({
    head,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    chars: {
      top: none,
      'top-mid': none,
      'top-left': none,
      'top-right': none,
      bottom: none,
      'bottom-mid': none,
      'bottom-left': none,
      'bottom-right': none,
      left: none,
      'left-mid': none,
      mid: none,
      'mid-mid': none,
      right: none,
      'right-mid': none,
      middle: '  ',
    },
  });
}

function render(table: Table.Table): string {
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}
