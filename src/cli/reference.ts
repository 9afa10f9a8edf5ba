/** @file How far a model's maps stand from those of a reference, such as the float model that it was quantised from. */
import { InternalError, UserError } from "../errors.ts";
import { type AskOptions, type LoadedClassifier, type LoadOptions, load } from "../node/load.ts";
import { loadRuntime } from "../node/runtime.ts";
import { multipliesAllBits, productsSaturate } from "../node/saturation.ts";
import { type ClassExplanation, Classifier, type Why } from "../tasks/classify/classification.ts";
import { compareMaps, type MapDifference, peakDistance } from "../tasks/classify/comparison.ts";
import { orRelease } from "../tasks/opened.ts";
import type { Kind } from "../tasks/sample.ts";

/** One map beside the reference's, and what the reference is and says. */
export interface ReferenceResult {
  readonly reference: MapDifference & {
    /** Between the two peaks: pixels, seconds or samples, voxels; null where either map is blank. */
    readonly peakDistance: number | null;
  };
  readonly of: {
    readonly model: { readonly name: string; readonly sha256: string };
    readonly layer: string | null;
    /** The reference's best class. */
    readonly class: number;
    readonly label: string;
    readonly score: number;
    readonly sameClass: boolean;
    /** What sets the maps apart beside the models themselves. */
    readonly warnings: readonly { readonly code: string; readonly text: string }[];
  };
}

/** What is said where a quantised model's products saturate. */
const saturating = {
  code: "saturating-products",
  text:
    "a likely cause: products of uint8 and int8 saturate on this CPU (AVX2 without VNNI), which changes the model's outputs; " +
    "quantise with reduce_range, or with uint8 weights",
} as const;

export class Reference {
  private constructor(
    private readonly model: LoadedClassifier,
    private readonly warnings: ReferenceResult["of"]["warnings"],
  ) {}

  /** @param compared the model whose maps are held against this one's. */
  static async open(source: string, options: LoadOptions, compared: LoadedClassifier): Promise<Reference> {
    refuseOthers(compared);
    const model = await load(source, options);
    await orRelease(model, () => refuseOthers(model));
    const onCpu = (options.session?.executionProviders ?? ["cpu"]).every((provider) => provider === "cpu");
    const wide = [compared, model].some(({ subject }) => multipliesAllBits(subject.explainer.model));
    const saturates = onCpu && wide && (await productsSaturate(await loadRuntime()));
    return new Reference(model, saturates ? [saturating] : []);
  }

  /** Asks the reference the same about the same file. */
  async compare(file: string, why: Why<Kind>, options: AskOptions): Promise<ReferenceResult[]> {
    const { method, layer, signal } = options;
    const targets = [...new Set(why.explanations.map(byIndex))];
    const other = await this.model.explain<Kind>(file, { method, layer, signal, targets });
    const { classifier, sha256 } = this.model;
    const [best] = other.predictions;
    const of = {
      model: { name: classifier.name, sha256 },
      layer: options.layer ?? classifier.explainer.layers[0]?.name ?? null,
      class: best.class,
      label: best.label,
      score: best.score,
      sameClass: best.class === why.predictions[0].class,
      warnings: this.warnings,
    };
    return why.explanations.map((e, i) => {
      const theirs = other.explanations[i];
      const apart = peakDistance<object>(e.peak, theirs.peak);
      return { reference: { ...compareMaps(e.map, theirs.map), peakDistance: apart }, of };
    });
  }

  release(): Promise<void> {
    return this.model.release();
  }
}

/** What an explanation was asked, by indices: the other model may have no names. */
function byIndex({ asked }: Pick<ClassExplanation<Kind>, "asked">): string {
  const [, not = "", index, against] = /^(not-)?(\d+)(?:-against-(\d+))?$/.exec(asked) ?? [];
  if (index === undefined) throw new InternalError(`what "${asked}" asks about is not known`);
  return not ? `not:${index}` : `class:${index}${against === undefined ? "" : ` ~ class:${against}`}`;
}

/** @throws UserError `invalid-option` for a model whose explanations are not of classes. */
function refuseOthers({ subject, reading }: LoadedClassifier): void {
  if (subject instanceof Classifier) return;
  throw new UserError(
    "invalid-option",
    `invalid --reference: the maps of classes are compared, and ${reading.name} is read as a ${reading.task} model`,
  );
}

/** The comparison in words. */
export function referenceLine({ correlation, difference, peakDistance: apart }: ReferenceResult["reference"]): string {
  const parts = [
    `correlation ${correlation === null ? "undefined" : correlation.toFixed(4)}`,
    `maximum absolute difference ${difference === null ? "undefined" : `${(100 * difference).toFixed(1)} % of the scale`}`,
    `peaks ${apart === null ? "not comparable" : `${Number(apart.toFixed(2))} apart`}`,
  ];
  return `vs reference: ${parts.join(", ")}`;
}
