/** @file What is asked of a model's scores, and what comes back: predictions, and a map for each class and method. */

import type { Dense } from "../array/dense.ts";
import { checkOptions, expects, InternalError, isRecord, type OptionNames, UserError } from "../errors.ts";
import type { Forward } from "../explain/forward.ts";
import type { Target } from "../explain/target.ts";
import type { MethodChoice } from "../methods/define.ts";
import type { Method } from "../methods/method.ts";
import type { Feeds } from "../onnx/runtime.ts";
import type { Warning } from "../read/decision.ts";
import { askingNames, checkAsking, checkList, isQuery } from "./asking.ts";
import type { ClassQuery, Labels } from "./labels.ts";

export interface ClassifyOptions {
  /** Classes to explain: indices, names, `topN`; the best class by default. */
  readonly classes?: readonly ClassQuery[];
  /** One method or several, by name or one's own; "grad-cam" by default. */
  readonly method?: MethodChoice | readonly MethodChoice[];
  /** Explain the classes rather than this one: what speaks for them and against it. */
  readonly against?: ClassQuery;
  /** Explain what speaks against the classes. */
  readonly counterfactual?: boolean;
  readonly layer?: string;
  /** The model's other inputs, by name. */
  readonly inputs?: Feeds;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

const classifyOptions: OptionNames<ClassifyOptions> = {
  ...askingNames,
  ...{ classes: true, against: true, layer: true, inputs: true },
};

/** @throws UserError `invalid-option` */
export function checkClassify(options: Omit<ClassifyOptions, "inputs"> & { readonly inputs?: object }): void {
  checkOptions(options, classifyOptions, "explain");
  checkAsking(options);
  expects(!options.inputs || isRecord(options.inputs), "inputs", options.inputs, "an object of files or tensors");
  checkList(options.classes, "classes", '["espresso", 281, "top3"]', isQuery);
  const { against } = options;
  expects(against === undefined || isQuery(against), "against", against, 'a class, "espresso" or 281');
  expects(!/^top\d+$/.test(String(against ?? "")), "against", against, "one class");
}

export interface Prediction {
  readonly class: number;
  readonly label: string;
  /** Before any softmax. */
  readonly score: number;
  /** Null for a score that is a value and not a class's: a regression's, a similarity. */
  readonly probability: number | null;
}

/** One map: a class, by a method. */
export interface Explanation {
  readonly class: number;
  readonly label: string;
  /** The method's name, and how people write it. */
  readonly method: string;
  readonly methodTitle: string;
  /** What was asked, in short, for names of files: "967", "967-against-504", "not-967". */
  readonly asked: string;
  /** What was asked, in words: "espresso", "espresso rather than cup", "against espresso". */
  readonly question: string;
  /** The tensor that the map lies on; undefined for methods in pixel space. */
  readonly layer?: string;
  /** Raw: neither normalised nor resized, [...grid]. */
  readonly map: Dense;
  /** For methods in pixel space: the signed image, [channels, ...], on the network's input. */
  readonly pixels?: Dense;
  /** Why the map is blank, where it is. */
  readonly blank?: string;
  /** What a reader must know of it. */
  readonly warnings: readonly Warning[];
}

/** How scores become probabilities: over all classes, each by itself, as they are, or not at all. */
export type Probability = "softmax" | "sigmoid" | "as-is" | "none";

export function probabilitiesOf(scores: Float32Array, by: Probability): (number | null)[] {
  if (by === "as-is") return Array.from(scores);
  if (by === "none") return Array<null>(scores.length).fill(null);
  return by === "sigmoid" ? Array.from(scores, (s) => 1 / (1 + Math.exp(-s))) : softmax(scores);
}

/** In loops: of a thousand classes, a service would else spend more time here than on its HTTP. */
function softmax(scores: Float32Array): number[] {
  let most = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < scores.length; c++) most = Math.max(most, scores[c]);
  const powers = new Array<number>(scores.length);
  let total = 0;
  for (let c = 0; c < scores.length; c++) {
    powers[c] = Math.exp(scores[c] - most);
    total += powers[c];
  }
  for (let c = 0; c < scores.length; c++) powers[c] /= total;
  return powers;
}

/** What is asked, with names found. */
export interface Asking {
  readonly classes: readonly number[];
  readonly methods: readonly Method[];
  readonly against?: number;
  readonly counterfactual?: boolean;
  readonly labels: Labels;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** The explanations of a forward pass's first sample, by method and class. */
export async function explanationsOf(forward: Forward, asking: Asking): Promise<Explanation[]> {
  const { classes, methods, against, labels } = asking;
  if (against !== undefined && classes.includes(against))
    throw new UserError(
      "invalid-option",
      `invalid against: "${labels.name(against)}" (${against}) is the class that is explained; name another class`,
    );
  const explanations: Explanation[] = [];
  for (const [done, method] of methods.entries()) {
    const onProgress = (part: number) => asking.onProgress?.((done + part) / methods.length);
    const maps = await askEach(forward, method, { ...asking, onProgress });
    maps.forEach((one, i) => {
      const { asked, question } = wordsOf(classes[i], asking);
      const label = asking.labels.name(classes[i]);
      const blank = blankness(one.map, { method, question, layer: one.layer });
      const warnings = blank === undefined ? ofMethod(method) : [];
      const { name, title } = method;
      explanations.push({
        ...{ class: classes[i], label, method: name, methodTitle: title },
        ...{ asked, question, ...one, blank, warnings },
      });
    });
    onProgress(1);
  }
  return explanations;
}

function wordsOf(index: number, { against, counterfactual, labels }: Asking): { asked: string; question: string } {
  const label = labels.name(index);
  if (against !== undefined)
    return { asked: `${index}-against-${against}`, question: `${label} rather than ${labels.name(against)}` };
  return counterfactual
    ? { asked: `not-${index}`, question: `against ${label}` }
    : { asked: String(index), question: label };
}

/** A method's answer to one question. */
export type OneMap = Pick<Explanation, "map" | "pixels" | "layer">;

/** What is known of every map of a method. */
const ofMethod = ({ title, classIndependent }: Method): Warning[] =>
  classIndependent ? [{ code: "class-independent", text: `${title} hardly depends on the class.` }] : [];

/** Plain classes are asked together, contrasts and opposites one at a time. */
async function askEach(forward: Forward, method: Method, asking: Asking): Promise<OneMap[]> {
  const { classes, against, counterfactual, onProgress, signal } = asking;
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
      onProgress: (part) => onProgress?.((done + part) / targets.length),
    });
    // Of a batch that is full of one sample, the first.
    for (let i = 0; i < classes.length / targets.length; i++)
      maps.push({ map: row(answer.maps, i), pixels: answer.pixels && row(answer.pixels, i), layer: answer.layer });
  }
  return maps;
}

/** One of several answers, [m, ...]. */
export function row(tensor: { data: unknown; dims: readonly number[] }, index: number): Dense {
  if (!(tensor.data instanceof Float32Array)) throw new InternalError("maps are float32");
  const [m, ...dims] = tensor.dims;
  const size = tensor.data.length / m;
  return { data: tensor.data.slice(index * size, (index + 1) * size), dims };
}

/** Why a method's map shows nothing; undefined where it shows something. */
export function blankness(
  { data }: Dense,
  { method, question, layer }: { readonly method: Method; readonly question: string; readonly layer?: string },
): string | undefined {
  if (data.some((v) => !Number.isFinite(v))) return "the map is not finite: a gradient overflowed";
  if (data.some((v) => v > 0)) return undefined;
  const { nothing, title } = method;
  const negative = data.some((v) => v < 0);
  if (nothing) return nothing(question, negative);
  return layer
    ? `no positive evidence for "${question}" at ${layer}`
    : `${title} finds no pixel that speaks for "${question}"`;
}
