/**
 * @file Do maps show what a network has really learned (Selvaraju et al. 2017, section 6.3)? Of two bundled networks one takes a shortcut
 * that was planted in its data; answers and maps of both are compared on scenes that neither has seen.
 */
import { fileURLToPath } from "node:url";
import { UserError } from "../../errors.ts";
import { methodName } from "../../methods/by-name.ts";
import { type LoadedClassifier, type LoadOptions, load } from "../../node/load.ts";
import { isMade, madeAt } from "../scenes.ts";
import { examine } from "./examine.ts";
import { figuresOf, type Look, type Network, networks, type SpuriousFigure } from "./figures.ts";
import { trialOf } from "./trial.ts";

export interface SpuriousOptions {
  /** `scenes:COUNT` or `scenes:FIRST-LAST`; those with one big object and a free corner are used. */
  readonly dataset: string;
  readonly load?: LoadOptions;
  readonly methods: readonly string[];
  /** Of the intervals. */
  readonly seed: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface Spurious {
  readonly dataset: { readonly location: string; readonly scenes: number; readonly used: number };
  readonly models: readonly { readonly name: Network; readonly sha256: string; readonly layer: string | undefined }[];
  readonly runtime: string;
  readonly methods: readonly string[];
  readonly seed: number;
  readonly figures: readonly SpuriousFigure[];
}

const modelOf = (network: Network) =>
  fileURLToPath(new URL(`../../../models/scenes-shortcut/${network}`, import.meta.url));

/** @throws UserError for a dataset that is not of scenes, or has none that can be used, and for an unknown method or layer. */
export async function checkSpurious(options: SpuriousOptions): Promise<{ content: Spurious; looks: readonly Look[] }> {
  const { dataset, methods, seed, signal } = options;
  methods.forEach(methodName);
  const { kind, seeds } = isMade(dataset) ? madeAt(dataset) : { kind: undefined, seeds: [] };
  if (kind !== "scenes")
    throw new UserError(
      "invalid-option",
      `invalid dataset for --spurious: ${dataset}; allowed are scenes:COUNT and scenes:FIRST-LAST`,
    );
  const trials = seeds.flatMap((one) => trialOf(one) ?? []);
  if (trials.length === 0)
    throw new UserError("invalid-input", `empty dataset: none of ${dataset} has one big object and a free corner`);

  const models = new Map<Network, LoadedClassifier>();
  try {
    // The networks are small, and take turns: threads would cost more than they bring.
    const session = { intraOpNumThreads: 1, ...options.load?.session };
    for (const network of networks) models.set(network, await load(modelOf(network), { ...options.load, session }));
    const opened = (network: Network) => models.get(network) as LoadedClassifier;
    const how = { methods, layer: options.load?.layer };
    const looks: Look[] = [];
    for (const trial of trials) {
      if (signal?.aborted) throw new UserError("cancelled", "cancelled");
      const [biased, balanced] = [opened("biased"), opened("balanced")].map(({ classifier }) => classifier);
      looks.push({ trial, biased: await examine(biased, trial, how), balanced: await examine(balanced, trial, how) });
      options.onProgress?.(looks.length, trials.length);
    }
    const content = {
      dataset: { location: dataset, scenes: seeds.length, used: trials.length },
      models: networks.map((name) => {
        const { sha256, classifier } = opened(name);
        return { name, sha256, layer: how.layer ?? classifier.explainer.layers[0]?.name };
      }),
      runtime: opened("biased").runtimeVersion,
      ...{ methods, seed, figures: figuresOf(looks, methods, seed) },
    };
    return { content, looks };
  } finally {
    for (const model of models.values()) await model.release();
  }
}
