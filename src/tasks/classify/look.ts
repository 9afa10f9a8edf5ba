/** @file A picture that a classifier has seen once, and any number of questions about it. */
import type { Forward } from "../../explain/forward.ts";
import { bestClasses, classScores } from "../../explain/target.ts";
import { cellsSpan, undo } from "../../image/geometry.ts";
import { locateOn } from "../../image/locate.ts";
import type { Preprocessed } from "../../image/preprocess.ts";
import { methodsOf } from "../../methods/define.ts";
import {
  type ClassifyOptions,
  type Explanation,
  explanationsOf,
  type Prediction,
  probabilitiesOf,
} from "../answers.ts";
import type { ClassQuery, Labels } from "../labels.ts";
import type { PicturePlace } from "../pictures.ts";
import type { Placements, Placing } from "../placing.ts";
import type { ModelReading } from "../reading.ts";
import { withWarnings } from "../warnings.ts";

/** What is asked about a picture; layer and inputs are settled. */
export type LookOptions = Omit<ClassifyOptions, "layer" | "inputs">;

export class Look {
  /** Of every class, before any softmax. */
  readonly scores: Float32Array;
  readonly probabilities: readonly (number | null)[];
  /** All classes, the best first. */
  readonly ranking: readonly number[];

  constructor(
    readonly forward: Forward,
    /** The network's input, and where it lies in the picture. */
    readonly seen: Preprocessed,
    private readonly labels: Labels,
    private readonly reading: ModelReading,
    private readonly places?: Placements,
  ) {
    this.scores = classScores(forward.scores, 0);
    this.probabilities = probabilitiesOf(this.scores, reading.probability);
    this.ranking = bestClasses(this.scores, this.scores.length);
  }

  /** The classes that queries stand for, each once; @throws UserError `unknown-name`. */
  find(queries: readonly ClassQuery[]): number[] {
    const { labels, ranking } = this;
    const best = (count: number) => ranking.slice(0, count);
    return [...new Set(queries.flatMap((query) => labels.find(query, ranking.length, best)))];
  }

  prediction(index: number): Prediction {
    const [score, probability] = [this.scores[index], this.probabilities[index]];
    return { class: index, label: this.labels.name(index), score, probability };
  }

  /**
   * Explains classes; only methods at the pixels run the whole network again.
   * @throws UserError for an unknown class or method, and for scores that are not finite.
   */
  async explain(options: LookOptions = {}): Promise<(Explanation & PicturePlace)[]> {
    const { labels } = this;
    const classes = this.find(options.classes ?? ["top1"]);
    const methods = methodsOf(options.method);
    const against = options.against === undefined ? undefined : this.find([options.against])[0];
    const answers = await explanationsOf(this.forward, { ...options, classes, methods, against, labels });
    const placings = await Promise.all(answers.map(({ layer }) => this.places?.of(layer)));
    const { probabilities, reading } = this;
    const circumstances = { model: reading.warnings, prepared: true, layers: reading.layers, probabilities };
    return withWarnings(answers, circumstances).map((answer, i) => this.#placed(answer, placings[i]));
  }

  /** Where a map lies is worked out when it is read: a class under the pointer needs none of it. */
  #placed(answer: Explanation, { rule, alignment }: Placing = {}): Explanation & PicturePlace {
    const { data, dims } = answer.map;
    const onPicture = () => undo(data, [dims[0], dims[1]], this.seen.geometry, alignment);
    let where: ReturnType<typeof locateOn> | undefined;
    const found = () => {
      where ??= answer.blank
        ? {}
        : locateOn(this.seen.geometry, onPicture(), {
            rule,
            within: cellsSpan(dims, this.seen.geometry, alignment),
          });
      return where;
    };
    return {
      ...answer,
      get onPicture() {
        return onPicture();
      },
      get peak() {
        return found().peak;
      },
      get box() {
        return found().box;
      },
    };
  }
}
