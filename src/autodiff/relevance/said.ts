/** @file What is said of rules of relevance: names and numbers, which the rules themselves are made of when they are loaded. */

/** How operators with weights give relevance to what they read. */
export type LayerRule =
  | { readonly rule: "epsilon"; readonly epsilon: number }
  | { readonly rule: "gamma"; readonly gamma: number }
  | { readonly rule: "alpha-beta"; readonly alpha: number }
  | { readonly rule: "flat" }
  | { readonly rule: "box"; readonly low: number; readonly high: number }
  | { readonly rule: "excitation"; readonly opposite: boolean };

/** Relevance in place of gradients (relevance/table.ts), as what is said of it: its rules are loaded when they are needed. */
export interface RelevanceRules {
  readonly convolution: LayerRule;
  readonly dense: LayerRule;
  /** Of those that read the picture, with no weights before them. */
  readonly first?: LayerRule;
  /** Of those that make the score, with no weights behind them. */
  readonly last?: LayerRule;
  /** Whether gates are held and the other factor takes all, or both take half. */
  readonly products: "signal" | "uniform";
  /** By how much denominators of sums without weights are kept away from 0. */
  readonly epsilon: number;
  /** Whether relevance starts as the score; else as what is seeded. */
  readonly scored: boolean;
  /** Whether sums are divided among what excites them, so that no share is below 0. */
  readonly excitatory?: boolean;
}
