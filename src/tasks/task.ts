/** @file What a model is for, by its configuration, what exporters note in the file, and the shapes of what it takes and gives. */
import { isRecord } from "../errors.ts";
import type { Explainer } from "../explain/explainer.ts";
import type { Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import { holdsFrames, plainDims } from "../read/axes.ts";
import type { Decision } from "../read/decision.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import { isSpatial } from "../read/origin.ts";
import type { Score } from "../read/score.ts";

export const tasks = [
  "classification",
  "regression",
  "embedding",
  "detection",
  "segmentation",
  "instance-segmentation",
  "text-recognition",
  "text-detection",
  "keypoints",
  "depth",
  "similarity",
  "zero-shot-classification",
  "captioning",
  "question-answering",
  "vision-language",
  "video-classification",
  "other",
] as const;
export type Task = (typeof tasks)[number];

/** Whether a model's rows are objects that it found, not pictures. */
export const detects = (task: Task): boolean => task === "detection" || task === "instance-segmentation";

type Found = { readonly task: Task } & Pick<Decision, "because">;

const found = (task: Task, because: string): Found => ({ task, because });

/** Endings of the names of architectures in Hugging Face configurations. */
const architectures: readonly (readonly [ending: RegExp, task: Task])[] = [
  [/ForVideoClassification$/, "video-classification"],
  [/ForZeroShotImageClassification$|^(CLIP|Siglip|Siglip2|MetaClip2|AltCLIP)Model$/, "zero-shot-classification"],
  [/ForImageClassification(WithTeacher)?$|ForAudioClassification$/, "classification"],
  [/ForObjectDetection$/, "detection"],
  [/ForInstanceSegmentation$/, "instance-segmentation"],
  [/For(Semantic|Image|Universal|Panoptic)Segmentation$/, "segmentation"],
  [/ForDepthEstimation$/, "depth"],
  [/ForTextRecognition$/, "text-recognition"],
  [/ForPoseEstimation$|ForKeypointDetection$/, "keypoints"],
  [/ForQuestionAnswering$|ForVisualQuestionAnswering$/, "question-answering"],
  [/ForImageTextRetrieval$|ForImageAndTextRetrieval$/, "similarity"],
  [/VisionEncoderDecoderModel$|ForImageCaptioning$|ForCausalLM$/, "captioning"],
  [/For(ConditionalGeneration|ImageTextToText)$/, "vision-language"],
];

/** What Ultralytics notes under "task". */
const noted: Readonly<Record<string, Task>> = {
  detect: "detection",
  obb: "detection",
  segment: "instance-segmentation",
  pose: "keypoints",
  classify: "classification",
  semantic: "segmentation",
  depth: "depth",
};

/** The task, and why. */
export function taskOf(explainer: Explainer, config: unknown, labels: readonly string[]): Found {
  const { model } = explainer;
  return byConfiguration(config) ?? byNote(model) ?? byInputs(explainer) ?? byOutputs(explainer, labels);
}

function byConfiguration(config: unknown): Found | undefined {
  const named = isRecord(config) ? config.architectures : undefined;
  for (const name of Array.isArray(named) ? named : []) {
    const known = architectures.find(([ending]) => ending.test(String(name)));
    if (known) return found(known[1], `config.json says ${name}`);
  }
  return undefined;
}

function byNote({ proto }: Model): Found | undefined {
  const task = proto.metadataProps.find(({ key }) => key === "task")?.value ?? "";
  const known = Object.hasOwn(noted, task) ? noted[task] : undefined;
  return known && found(known, `the file's metadata says "${task}"`);
}

function byInputs({ reading, tensors, model }: Explainer): Found | undefined {
  const pictures = reading.inputs.filter(({ role }) => role === "picture");
  const tokens = reading.inputs.filter(({ role }) => role === "tokens");
  if (pictures.length && tokens.length) {
    const similar = model.outputs.find((name) => /logits_per_(image|text)|similarity/.test(name));
    if (similar) return found("zero-shot-classification", `it takes a picture and a text, and gives "${similar}"`);
    const words = model.outputs.find((name) => tensors.get(name)?.dims.length === 3);
    if (words === undefined) return found("question-answering", "it takes a picture and tokens, and gives scores");
    const task = tokens.some(({ name }) => /decoder/.test(name)) ? "captioning" : "vision-language";
    return found(task, `it takes a picture and tokens, and gives scores of words, "${words}"`);
  }
  const shapes = pictures.map(({ shape }) => String(shape));
  return new Set(shapes).size < shapes.length
    ? found("similarity", `it takes ${pictures.length} pictures of one shape`)
    : undefined;
}

function byOutputs(explainer: Explainer, labels: readonly string[]): Found {
  const { reading, tensors, model } = explainer;
  const { score, explained } = reading;
  if (!explained) return found("other", "none of its inputs has a grid");
  const shape = tensors.get(score.name)?.dims ?? [];
  const [, classes, ...grid] = plainDims(shape, score.axes);
  const names = model.outputs.join(" ");
  const shown = `"${score.output}" has the shape [${tensors.get(score.output)?.dims ?? shape}]`;
  const detecting = /mask/i.test(names) ? "instance-segmentation" : "detection";
  if (model.graph.node.some(({ opType }) => opType === "NonMaxSuppression"))
    return found(detecting, "it ends in NonMaxSuppression");
  const boxes = model.outputs.find((name) => /\b(pred_boxes|boxes|dets|bboxes|detection_boxes)\b/.test(name));
  const queried = model.outputs.find((name) => /mask/i.test(name) && tensors.get(name)?.dims.length === 4);
  const rows = tensors.get(queried ?? "")?.dims[1];
  const scored = (name: string) => /class|logits/i.test(name) && tensors.get(name)?.dims.length === 3;
  if (boxes === undefined && model.outputs.some((name) => scored(name) && tensors.get(name)?.dims[1] === rows))
    return found("instance-segmentation", `"${queried}" has a mask for each of its rows of scores`);
  const perPicture = tensors.get(boxes ?? "");
  // One box for each picture is a regression.
  const single = perPicture?.perImage && perPicture.dims.length === 2 && explained.axes.batch !== undefined;
  if (boxes !== undefined && !single) return found(detecting, "its outputs are named as boxes");
  if (anchoredOutputs(explainer.sized, model.outputs))
    return found("detection", "it gives boxes of several anchors for the places of several levels");
  if (inLevels(explainer)) return found("detection", "it gives scores and edges of the places of several levels");
  const places = grid.filter((d) => d !== 1);
  const spread = explained.axes.grid.length === 2 && overPlaces(explained, score, [classes, ...grid], names, shown);
  if (spread) return spread;
  if (places.length > 0) return found(grid.length === 1 ? "other" : "segmentation", shown);
  if (holdsFrames(explained.axes)) return found("video-classification", "it takes frames");
  const unit = isUnit(model, score.name);
  if (unit || /embed|descriptor|pooler|features?\b/i.test(names))
    return labels.length
      ? found("classification", `it has ${labels.length} labels`)
      : found("embedding", unit ? "its output has length 1" : "its output is named so");
  if (classes === 1 && score.before !== "Sigmoid" && labels.length === 0)
    return found("regression", `${shown}, one value`);
  return found("classification", shown);
}

/** Whether outputs [n, places, ...] come in pairs, of which each has fewer places than the one before: levels of a detector's head. */
function inLevels({ model, sized }: Explainer): boolean {
  const shapes = model.outputs.map((name) => sized.get(name)?.dims ?? []);
  const places = shapes.map(([, count = -1]) => count);
  const pairs = [...new Set(places)].filter((count) => count > 0 && places.filter((one) => one === count).length === 2);
  const edged = shapes.filter(([, , numbers = 0]) => [4, 32, 64, 68].includes(numbers)).length;
  return (
    shapes.every(({ length }) => length === 3) &&
    pairs.length > 1 &&
    pairs.length * 2 === shapes.length &&
    edged >= pairs.length
  );
}

/** Whether outputs are levels of a detector's head, [n, anchors, rows, columns, numbers], with as many anchors and numbers on different grids. */
export function anchoredOutputs(tensors: Observed, outputs: readonly string[]): boolean {
  const shapes = outputs.map((name) => tensors.get(name)?.dims ?? []);
  const [first = []] = shapes;
  const [, anchors, , , numbers = 0] = first;
  const grids = new Set(shapes.map(([, , rows, columns]) => `${rows} ${columns}`));
  return (
    outputs.length > 1 &&
    numbers > 5 &&
    grids.size === outputs.length &&
    shapes.every((shape) => shape.length === 5 && shape[1] === anchors && shape[4] === numbers)
  );
}

/** What has scores for places of the picture. */
function overPlaces(
  { origins: all }: ExplainedInput,
  score: Score,
  [classes = -1, ...grid]: readonly number[],
  names: string,
  shown: string,
): Found | undefined {
  const origins = all.get(score.name);
  const spatial = score.axes.grid.map((axis) => origins?.[axis]);
  const places = grid.filter((d) => d !== 1);
  const deep = /depth|disparity/i.test(names);
  const several = spatial.some((origin) => origin?.mixed || (origin?.parts.length ?? 0) > 1);
  if (grid.length === 1 && several && classes > 4) return found("detection", `${shown}, a row for each place`);
  const [n, ...rest] = origins ?? [];
  if (n && score.axes.channels === undefined && rest.length === 2 && rest.every(isSpatial))
    return score.before === "Sigmoid" && !deep
      ? found("segmentation", `${shown}, a value for each place behind a Sigmoid`)
      : found(deep ? "depth" : "other", `${shown}, a value for each place`);
  if (places.length === 1 && spatial.some((origin) => origin && isSpatial(origin)))
    return found("text-recognition", `${shown}, scores for each place along one axis of the picture`);
  if (places.length !== 2) return undefined;
  if (deep) return found("depth", "its output is named so");
  if (/heat|keypoint|landmark/i.test(names)) return found("keypoints", "its output is named so");
  return found("segmentation", `${shown}, scores for each place`);
}

/** Whether a tensor is divided by its own length. */
function isUnit({ producer }: Model, name: string): boolean {
  const node = producer.get(name);
  if (node?.opType === "LpNormalization") return true;
  if (node?.opType !== "Div") return false;
  let at = producer.get(node.input[1] ?? "");
  for (let steps = 0; at && steps < 4; steps++, at = producer.get(at.input[0] ?? ""))
    if (at.opType === "ReduceL2" || at.opType === "ReduceSumSquare") return true;
  return false;
}
