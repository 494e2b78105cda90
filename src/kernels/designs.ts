import { withOverrides } from './kernels.ts';
import type { RuleOverrides, Rules } from './types.ts';

/** A proposal that no release took over, as rules that differ from those of a mainline release. */
export interface Design {
  /** As `--design` and `Design:` lines name it. */
  readonly name: string;
  readonly sentence: string;
  /** Mainline release it was made for; the rest behaves as there unless a check asks for another. */
  readonly base: string;
  readonly overrides: RuleOverrides;
  readonly source: string;
}

/** The design variants that are rules and nothing else. */
export const DESIGNS: readonly Design[] = [
  {
    name: 'bias-2019',
    sentence:
      'FOLL_PIN as posted in November 2019: 1024 references a pin on every page, large ones too, and page_dma_pinned looks at the signed count.',
    base: '5.4',
    overrides: {
      'pin.impl': 'bias',
      'pin.largePincountMinOrder': 64,
      'pin.counters': true,
      'pin.pinnedCheck': 'signed',
      'pin.putUserPage': 'unpin',
      'api.pinUserPages': true,
      'api.pinLongtermPages': true,
      'api.pageDmaPinned': true,
      'api.putUserPage': true,
      'foll.pin': 0x40000,
      // WRITE, LONGTERM, PIN in the numbering of 6.3.
      'fast.flags': (1 << 0) | (1 << 8) | (1 << 19),
    },
    source: 'semantics.md B.2, seed2019v3',
  },
];

/** The design called `name`, or undefined. */
export function designNamed(name: string): Design | undefined {
  return DESIGNS.find((d) => d.name === name);
}

/** The rules of a design on top of mainline `version`. Frozen. Throws RangeError for an unknown release. */
export function designRules(design: Design, version: string = design.base): Rules {
  return withOverrides(version, design.overrides);
}
