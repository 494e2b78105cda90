export { DESIGNS, type Design, designNamed, designRules } from './designs.ts';
export { changesIn, diffRules, type RuleDifference } from './diff.ts';
export {
  allKernels,
  baseVersion,
  isKernel,
  kernelNames,
  RULES,
  rulesFor,
  ruleValue,
  stepAt,
  takeRules,
  withOverrides,
} from './kernels.ts';
export { type KernelList, parseKernelList, unknownKernel } from './parse.ts';
export { PROFILES, type Profile, type ProfileOverride } from './profiles.ts';
export {
  EVERY_VERSION,
  formatKernelRange,
  type KernelRange,
  type ParsedRange,
  parseKernelRange,
  type RangeEnd,
  rangeHas,
} from './range.ts';
export type {
  RuleData,
  RuleLiteral,
  RuleName,
  RuleOverrides,
  RuleStep,
  Rules,
  RuleValue,
} from './types.ts';
export { compareVersions, isRelease, isVersion, RELEASES, releaseYear } from './versions.ts';
