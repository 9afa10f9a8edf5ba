/** @file Image classification: a picture in, its best classes and where the evidence for them is out. */
import { InternalError, UserError } from "../errors.ts";
import { type Explainer, openExplainer } from "../explain/explainer.ts";
import type { Forward } from "../explain/forward.ts";
import type { Score } from "../explain/layers.ts";
import type { TokenGrid } from "../explain/layout.ts";
import { bestClasses, classScores, type Target } from "../explain/target.ts";
import { toTensor } from "../explain/tensors.ts";
import { type Geometry, undo } from "../image/geometry.ts";
import { type Box, box, type Point, peak } from "../image/locate.ts";
import type { Picture, PixelMap } from "../image/picture.ts";
import { type Preprocess, preprocess } from "../image/preprocess.ts";
import { methodNamed } from "../methods/index.ts";
import type { Dense } from "../methods/method.ts";
import { DataType } from "../onnx/proto.ts";
import type { Runtime, SessionOptions } from "../onnx/runtime.ts";
import { typeName } from "../onnx/types.ts";
import { type ClassQuery, Labels } from "./labels.ts";

export interface ClassifierOptions {
  /** How the model is called in pictures and manifests. */
  readonly name: string;
  /** Names of the classes, in order; empty where there are none. */
  readonly labels: readonly string[];
  /** How pictures are made inputs; a function is given the input's dims, batch first, -1 where free. */
  readonly preprocess: Preprocess | ((dims: readonly number[]) => Preprocess);
  readonly output?: string;
  readonly layer?: string;
  /** Where layers hold tokens: their grid; found from the shapes by default. */
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
}

export interface ClassifyOptions {
  /** Classes to explain: indices, names, `topN`; the best class by default. */
  readonly classes?: readonly ClassQuery[];
  /** One method or several; "grad-cam" by default. */
  readonly method?: string | readonly string[];
  /** Explain the classes rather than this one: what speaks for them and against it. */
  readonly against?: ClassQuery;
  /** Explain what speaks against the classes. */
  readonly counterfactual?: boolean;
  readonly layer?: string;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

export interface Prediction {
  readonly class: number;
  readonly label: string;
  /** Before any softmax. */
  readonly score: number;
  readonly probability: number;
}

/** One map: a class, by a method. */
export interface ClassExplanation {
  readonly class: number;
  readonly label: string;
  readonly method: string;
  /** What was asked, in short, for names of files: "967", "967-against-504", "not-967". */
  readonly asked: string;
  /** What was asked, in words: "espresso", "espresso rather than cup", "against espresso". */
  readonly question: string;
  /** The tensor that the map lies on; undefined for methods in pixel space. */
  readonly layer?: string;
  /** Raw: neither normalised nor resized, [h, w]. */
  readonly map: Dense;
  /** For methods in pixel space: the signed image, [3, h, w], on the network's input. */
  readonly pixels?: Dense;
  /** The map on the original picture's pixels, NaN where the network did not look; computed when it is read, for it may be large. */
  readonly onPicture: PixelMap;
  /** The map's maximum, in pixels of the original picture; undefined for a blank map. */
  readonly peak?: Point;
  /** Around the largest connected part above 15 % of the maximum. */
  readonly box?: Box;
  /** Why the map is blank, where it is. */
  readonly blank?: string;
}

/** What a model made of a picture, and why. */
export interface Why {
  readonly picture: Picture;
  readonly geometry: Geometry;
  /** The five best classes, and those asked for, best first. */
  readonly predictions: readonly Prediction[];
  readonly explanations: readonly ClassExplanation[];
}

/** An open image classifier. */
export class Classifier {
  readonly name: string;
  readonly preprocess: Preprocess;
  readonly labels: Labels;

  private constructor(
    private readonly ort: Runtime,
    /** The model beneath, for questions about tensors. */
    readonly explainer: Explainer,
    options: ClassifierOptions,
    image: readonly number[],
    classes: number,
  ) {
    this.name = options.name;
    this.preprocess = typeof options.preprocess === "function" ? options.preprocess(image) : options.preprocess;
    this.labels = new Labels(options.labels, classes);
  }

  /**
   * @param bytes the ONNX file's: one image input, scores of shape [n, classes] (or [n, classes, h, w]: their mean counts).
   * @throws UserError when the model is not such a classifier.
   */
  static async open(ort: Runtime, bytes: Uint8Array, options: ClassifierOptions): Promise<Classifier> {
    const explainer = await openExplainer(ort, bytes, options);
    const dims = explainer.tensors.get(explainer.score.name)?.dims ?? [];
    const inputs = explainer.model.inputs.map(({ name }) => name);
    if (!explainer.imageInput || inputs.length !== 1)
      throw new UserError(
        "invalid-model",
        `invalid model: a classifier takes one image; this model takes ${inputs.join(", ")} (use openExplainer with feeds)`,
      );
    if (dims.length !== 2 && dims.length !== 4)
      throw new UserError(
        "invalid-model",
        `invalid model: a classifier gives scores of shape [n, classes]; "${explainer.score.name}" has [${dims}]`,
      );
    const image = explainer.tensors.get(explainer.imageInput)?.dims ?? [];
    return new Classifier(ort, explainer, options, image, dims[1] < 0 ? Number.MAX_SAFE_INTEGER : dims[1]);
  }

  /** What is explained: the scores before any softmax. */
  get score(): Score {
    return this.explainer.score;
  }

  /**
   * Classifies a picture and explains classes.
   * @throws UserError for an unknown class, method or layer, and for scores that are not finite.
   */
  async explain(picture: Picture, options: ClassifyOptions = {}): Promise<Why> {
    const methods = [options.method ?? "grad-cam"].flat().map(methodNamed);
    const { data, dims, geometry } = preprocess(picture, this.preprocess);
    const input = this.explainer.imageInput ?? "";
    const type = typeName(this.explainer.tensors.get(input)?.type ?? DataType.FLOAT);
    const feeds = { [input]: toTensor(this.ort, { data, dims: [1, ...dims] }, type) };
    const forward = await this.explainer.forward(feeds, options);
    const { scores, ranking, probabilities } = this.#read(forward);
    const classes = [...new Set((options.classes ?? ["top1"]).flatMap((query) => this.labels.find(query, ranking)))];
    const against = options.against === undefined ? undefined : this.labels.find(options.against, ranking)[0];

    const explanations: ClassExplanation[] = [];
    for (const [done, { name }] of methods.entries()) {
      const onProgress = (part: number) => options.onProgress?.((done + part) / methods.length);
      const maps = await askEach(forward, name, classes, { ...options, against, onProgress });
      maps.forEach(({ map, pixels, layer }, i) => {
        explanations.push(this.#explanation(classes[i], name, { map, pixels, layer }, geometry, options, against));
      });
      onProgress(1);
    }
    const listed = new Set([...ranking.slice(0, 5), ...classes]);
    const predictions = ranking
      .filter((c) => listed.has(c))
      .map((c) => ({ class: c, label: this.labels.name(c), score: scores[c], probability: probabilities[c] }));
    return { picture, geometry, predictions, explanations };
  }

  release(): Promise<void> {
    return this.explainer.release();
  }

  #read(forward: Forward): { scores: Float32Array; ranking: number[]; probabilities: Float32Array } {
    const scores = classScores(forward.scores, 0);
    const independent = this.score.before === "Sigmoid" || scores.length === 1;
    const probabilities = independent ? scores.map((s) => 1 / (1 + Math.exp(-s))) : softmax(scores);
    return { scores, ranking: bestClasses(scores, scores.length), probabilities };
  }

  #explanation(
    index: number,
    method: string,
    { map, pixels, layer }: OneMap,
    geometry: Geometry,
    { counterfactual }: ClassifyOptions,
    against: number | undefined,
  ): ClassExplanation {
    const label = this.labels.name(index);
    const { asked, question } = wordsOf(index, label, { against, counterfactual, labels: this.labels });
    const [h, w] = map.dims;
    const onPicture = () => undo(map.data, [h, w], geometry);
    const blank = blankness(map, question, layer);
    const found = blank ? {} : located(onPicture());
    return {
      ...{ class: index, label, method, asked, question, layer, map, pixels, blank, ...found },
      get onPicture() {
        return onPicture();
      },
    };
  }
}

function wordsOf(
  index: number,
  label: string,
  { against, counterfactual, labels }: { against?: number; counterfactual?: boolean; labels: Labels },
): { asked: string; question: string } {
  if (against !== undefined)
    return { asked: `${index}-against-${against}`, question: `${label} rather than ${labels.name(against)}` };
  return counterfactual
    ? { asked: `not-${index}`, question: `against ${label}` }
    : { asked: String(index), question: label };
}

const located = (map: PixelMap): { peak?: Point; box?: Box } => ({ peak: peak(map), box: box(map) });

interface OneMap {
  readonly map: Dense;
  readonly pixels?: Dense;
  readonly layer?: string;
}

/** Plain classes are asked together, contrasts and opposites one at a time. */
async function askEach(
  forward: Forward,
  method: string,
  classes: readonly number[],
  {
    against,
    counterfactual,
    onProgress,
    signal,
  }: { against?: number; counterfactual?: boolean; onProgress: (done: number) => void; signal?: AbortSignal },
): Promise<OneMap[]> {
  const targets: Target[] =
    against !== undefined
      ? classes.map((c) => ({ for: c, against }))
      : counterfactual
        ? classes.map((c) => ({ counterfactual: c }))
        : [{ each: classes }];
  const maps: OneMap[] = [];
  for (const [done, target] of targets.entries()) {
    const answer = await forward.explain({
      target,
      method,
      signal,
      onProgress: (part) => onProgress((done + part) / targets.length),
    });
    for (let i = 0; i < answer.maps.dims[0]; i++)
      maps.push({ map: row(answer.maps, i), pixels: answer.pixels && row(answer.pixels, i), layer: answer.layer });
  }
  return maps;
}

function row(tensor: { data: unknown; dims: readonly number[] }, index: number): Dense {
  if (!(tensor.data instanceof Float32Array)) throw new InternalError("maps are float32");
  const [m, ...dims] = tensor.dims;
  const size = tensor.data.length / m;
  return { data: tensor.data.slice(index * size, (index + 1) * size), dims };
}

function softmax(scores: Float32Array): Float32Array {
  const most = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = scores.map((s) => Math.exp(s - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / total);
}

/** Why a map shows nothing; undefined where it shows something. */
function blankness({ data }: Dense, question: string, layer: string | undefined): string | undefined {
  if (data.some((v) => !Number.isFinite(v))) return "the map is not finite: a gradient overflowed";
  if (data.some((v) => v > 0)) return undefined;
  return layer
    ? `no positive evidence for "${question}" at ${layer}`
    : `the score of "${question}" depends on no pixel here`;
}
