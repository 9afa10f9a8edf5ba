/** @file A sample that was classified once, and any number of questions about it: numbers alone, for sessions are the explainer's. */
import { present, throwIfAborted } from "../../errors.ts";
import type { EveryLayer } from "../../explain/every-layer.ts";
import type { Forward } from "../../explain/forward.ts";
import { bestClasses, byScore, classScores, type Target } from "../../explain/target.ts";
import { methodsOf } from "../../methods/by-name.ts";
import { gradCam } from "../../methods/grad-cam.ts";
import { optionsFor, ownOptions } from "../../methods/options.ts";
import type { Warning } from "../../read/decision.ts";
import { inSteps } from "../asking.ts";
import type { ClassQuery, Labels } from "../labels.ts";
import type { Placements } from "../placing.ts";
import { rawMap } from "../raw-map.ts";
import type { ModelReading } from "../reading.ts";
import type { Kind } from "../sample.ts";
import { classQuestions, targetText } from "./class-questions.ts";
import { type AskedClass, type ClassQuestion, explanationOf, type Prediction, targetOf } from "./explanations.ts";
import type { ClassExplanation, Prepared } from "./kinds.ts";
import type { ClassifyOptions } from "./options.ts";
import { probabilitiesOf } from "./probability.ts";
import { withWarnings } from "./warnings.ts";

/** What is asked about a sample; layer and inputs are settled. */
export type SampleOptions = Omit<ClassifyOptions, "layer" | "inputs">;

export interface ClassifierReading {
  readonly labels: Labels;
  readonly reading: ModelReading;
  /** Where maps lie on the sample. */
  readonly places: Placements;
}

export class ClassifiedSample<K extends Kind = "picture"> {
  /** Of every class, before any softmax. */
  readonly scores: Float32Array;
  /** Null where the model gives a value that is none. */
  readonly probabilities: readonly (number | null)[];
  #ranking: readonly number[] | undefined;

  /** @param warnings of the sample itself */
  constructor(
    private readonly by: ClassifierReading,
    private readonly sample: Pick<Prepared<K>, "prepared" | "lay">,
    readonly forward: Forward,
    private readonly warnings: readonly Warning[] = [],
  ) {
    this.scores = classScores(forward.scores, 0);
    this.probabilities = probabilitiesOf(this.scores, by.reading.probability);
  }

  /** All classes, the best first. */
  get ranking(): readonly number[] {
    this.#ranking ??= bestClasses(this.scores, this.scores.length);
    return this.#ranking;
  }

  /** The classes that queries stand for, each once; @throws UserError `unknown-name`. */
  find(queries: readonly ClassQuery[]): number[] {
    const best = (count: number) => bestClasses(this.scores, count);
    return [...new Set(queries.flatMap((query) => this.by.labels.find(query, this.scores.length, best)))];
  }

  prediction(index: number): Prediction {
    const score = present(this.scores[index], "a class's score");
    return { class: index, label: this.by.labels.name(index), score, probability: this.probabilities[index] ?? null };
  }

  /** The five best classes and some others, the best first. */
  predictions(others: readonly number[]): Prediction[] {
    const classes = new Set([...bestClasses(this.scores, 5), ...others]);
    return [...classes].sort(byScore(this.scores)).map((index) => this.prediction(index));
  }

  /**
   * Explains classes; only methods at the pixels run the whole network again.
   * @throws UserError for an unknown class or method, and for scores that are not finite.
   */
  async explain(options: SampleOptions = {}): Promise<ClassExplanation<K>[]> {
    throwIfAborted(options.signal);
    const { labels, places, reading } = this.by;
    const methods = await methodsOf(options.method);
    optionsFor(methods, options.options);
    const find = (query: ClassQuery) => this.find([query]);
    const questions = classQuestions(options, find, labels, reading.questions);
    const { signal, maxMemory, partial } = options;
    const bounds = { signal, maxMemory, partial };
    // Plain classes are asked together, contrasts and opposites one at a time.
    const plain = questions.filter((question) => typeof targetOf(question) === "number");
    const groups: [Target, AskedClass[]][] = questions.flatMap((question): [Target, AskedClass[]][] => {
      if (question === plain[0]) return [[{ each: plain.map((one) => one.class) }, plain]];
      return plain.includes(question) ? [] : [[targetOf(question), [question]]];
    });
    const answers = await inSteps(methods, options.onProgress, (method, part) => {
      const told = ownOptions(method, options.options);
      return inSteps(groups, part, async ([target, asked], onProgress) => {
        if (partial && signal?.aborted) return [];
        const explained = await this.forward.explain({ target, method, options: told, ...bounds, onProgress });
        // Of a batch that is full of one sample, the first.
        return asked.map((question, i) => explanationOf(question, method, labels, rawMap(explained, i), told.sign));
      });
    });
    const placings = await Promise.all(answers.map(({ layer }) => places.of(layer)));
    const ofPreparation = this.sample.prepared ? undefined : "preparation-guessed";
    const common = [...this.warnings, ...reading.warnings].filter(({ code }) => code !== ofPreparation);
    const warned = withWarnings(answers, common, reading.layers, this.probabilities);
    return warned.map((answer, i) => this.sample.lay(answer, placings[i]));
  }

  /** One question's maps by Grad-CAM at every layer, from one run. */
  async atEveryLayer(every: EveryLayer, question: ClassQuestion) {
    const maps = await every.explain(this.forward, targetOf(question));
    return maps.map(({ data, dims: [, ...dims] }, i) => {
      const layer = present(every.layers[i], "a map's layer").name;
      const asked = { ...question, target: targetText(question) };
      return { ...explanationOf(asked, gradCam, this.by.labels, { map: { data, dims }, layer }), layer };
    });
  }
}
