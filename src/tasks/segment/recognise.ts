/** @file Which masks a segmentation model gives: by the shapes and names of its outputs, and by what its graph ends with. */
import type { Explainer } from "../../explain/explainer.ts";
import { constantValues, type Model } from "../../onnx/model.ts";
import type { Observed } from "../../onnx/observe.ts";
import { plainAxes, plainDims } from "../../read/axes.ts";
import type { Decision } from "../../read/decision.ts";
import { layersOf } from "../../read/layers.ts";
import { type Score, stripped } from "../../read/score.ts";
import { Trace } from "../../read/trace.ts";
import type { UsualPreparation } from "../formats/ultralytics.ts";
import type { ClassPlanes, MaskHead, MaskRule, QueryPlanes } from "./mask-head.ts";

/** How pictures of a segmenter are prepared where nobody says it: whole. */
export const usualOfMasks: UsualPreparation = {
  known: { fit: "stretch" },
  because: "so are most segmenters fed, as for most ImageNet models, stretched; the model does not specify it",
  guess: true,
};

/** What was read of a segmenter. */
export interface SegmenterReading {
  readonly head: MaskHead;
  /** The outputs that are read. */
  readonly reads: readonly string[];
  /** The layers that maps of its masks lie on, where they are others than those of scores. */
  readonly levels: readonly string[];
  readonly questions: readonly string[];
}

interface RecognisedMasks {
  readonly segmenter: SegmenterReading;
  readonly headDecision: Decision;
}

/** What a segmenter can be asked. */
const questions = [
  "class:… (where it is predicted, by its name or number)",
  "class:topN",
  "mask:0 (or another number, or a class)",
  "region:file.png (a mask of the picture's size)",
  "pixel:x,y",
  "not:… (the opposite of each)",
  "… ~ … (one rather than another)",
];

/** Undefined for a model whose outputs are no masks over a picture. */
export function recogniseMasks(
  { model, sized, score, reading: { explained } }: Pick<Explainer, "model" | "sized" | "score" | "reading">,
  labels: readonly string[],
): RecognisedMasks | undefined {
  const queries = queryPlanes(model, sized, labels);
  if (queries) {
    const because = `"${queries.tensor}" has a plane for each row of "${queries.scores}"`;
    const reads = [queries.tensor, queries.scores];
    const levels = explained ? layersOf(model, sized, explained, [queries.tensor]).slice(0, 1) : [];
    return {
      segmenter: { head: queries, reads, levels: levels.map(({ name }) => name), questions },
      headDecision: { what: "masks", value: `one for each object, ${ruled(queries.rule)}`, because },
    };
  }
  if (score.axes.grid.length !== 2) return undefined;
  const { axes, name } = score;
  const [, classes] = plainDims(sized.get(name)?.dims ?? [], axes);
  const { rule, because, guess } = ruleOf(model, sized, score, classes);
  const head: ClassPlanes = { kind: "classes", tensor: name, axes, classes, rule };
  const value = `one for each class, ${ruled(rule)}`;
  return {
    segmenter: { head, reads: [score.output], levels: [], questions },
    headDecision: { what: "masks", value, because, ...(guess && { guess }) },
  };
}

const ruled = (rule: MaskRule): string =>
  rule === "largest" ? "where its logit is the largest" : `where its value is above ${rule.above}`;

type Ruled = { readonly rule: MaskRule; readonly because: string; readonly guess?: true };

/** Operators whose results are probabilities already, where nothing in front of them is asked for. */
const bounded: ReadonlySet<string> = new Set(["Sigmoid", "HardSigmoid", "Clip", "Div", "Softmax"]);

/** What a plane is above where it is predicted; of several that exclude each other, the largest is. */
function ruleOf(model: Model, tensors: Observed, score: Score, classes: number): Ruled {
  const last = model.producer.get(stripped(model, score.output));
  const chosen = last?.opType;
  const threshold = chosen === "Round" ? 0.5 : constantValues(model, last?.input[1] ?? "")?.[0];
  if (threshold !== undefined && ["Greater", "GreaterOrEqual", "Round"].includes(chosen ?? "")) {
    const logit = score.before === "Sigmoid" ? Math.log(threshold / (1 - threshold)) : threshold;
    return { rule: { above: logit }, because: `the model ends in a ${chosen}: above ${threshold}` };
  }
  if (chosen === "ArgMax") return { rule: "largest", because: "the model ends in an ArgMax" };
  if (score.before === "Sigmoid")
    return { rule: { above: 0 }, because: "the model ends in a Sigmoid: above a half behind it" };
  if (classes !== 1)
    return {
      rule: "largest",
      because: score.before ? `the model ends in a ${score.before}` : "it has several classes",
    };
  const maker = model.producer.get(stripped(model, score.name))?.opType ?? "";
  const [through] = sourceOf(model, tensors, score.name).through;
  const bound = through ?? (bounded.has(maker) ? maker : undefined);
  if (bound !== undefined)
    return { rule: { above: 0.5 }, because: `its one plane comes from a ${bound}: probabilities` };
  return { rule: { above: 0 }, because: "its one plane ends in no Sigmoid, and is taken for logits", guess: true };
}

const sourceOf = (model: Model, tensors: Observed, tensor: string) => {
  const trace = new Trace(model, tensors);
  const none = { tensor, index: [], through: [] as readonly string[] };
  if (trace.needs(tensor).length) return none;
  return trace.source({ tensor, index: (tensors.get(tensor)?.dims ?? []).map(() => 0) });
};

/** Outputs [n, queries, classes] and [n, queries, height, width], with no boxes beside them. */
function queryPlanes(model: Model, tensors: Observed, labels: readonly string[]): QueryPlanes | undefined {
  const dims = (name: string) => tensors.get(name)?.dims ?? [];
  const masks = model.outputs.find((name) => dims(name).length === 4 && /mask/i.test(name));
  if (!masks) return undefined;
  const three = model.outputs.filter((name) => dims(name).length === 3);
  if (three.some((name) => dims(name)[2] === 4 && /box|dets/i.test(name))) return undefined;
  const scores = three.find((name) => dims(name)[1] === dims(masks)[1] && /class|logits|scores/i.test(name));
  if (!scores) return undefined;
  const size = dims(scores)[2] ?? -1;
  const { through } = sourceOf(model, tensors, scores);
  const each = labels.length > 0 && labels.length === size;
  const squashed = sourceOf(model, tensors, masks).through.length > 0;
  return {
    ...{ kind: "queries", tensor: masks, axes: plainAxes(4), scores },
    classes: each ? size : size - 1,
    rule: { above: squashed ? 0.5 : 0 },
    by: through.length ? "as-is" : each ? "sigmoid" : "softmax",
  };
}
