/** @file What a model is for, by its configuration, what exporters note in the file, and the shapes of what it takes and gives. */
import type { Explainer } from "../explain/explainer.ts";
import type { Model } from "../onnx/model.ts";
import { holdsFrames, plainDims } from "../read/axes.ts";
import type { Decision } from "../read/decision.ts";
import { isSpatial } from "../read/origin.ts";

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

/** Endings of the names of architectures in Hugging Face configurations. */
const architectures: readonly (readonly [ending: RegExp, task: Task])[] = [
  [/ForVideoClassification$/, "video-classification"],
  [/ForZeroShotImageClassification$|^(CLIP|Siglip|Siglip2|MetaClip2|AltCLIP)Model$/, "zero-shot-classification"],
  [/ForImageClassification(WithTeacher)?$|ForAudioClassification$/, "classification"],
  [/ForObjectDetection$/, "detection"],
  [/ForInstanceSegmentation$/, "instance-segmentation"],
  [/For(Semantic|Image|Universal|Panoptic)Segmentation$/, "segmentation"],
  [/ForDepthEstimation$/, "depth"],
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
  const named = typeof config === "object" && config !== null && "architectures" in config && config.architectures;
  for (const name of Array.isArray(named) ? named : []) {
    const found = architectures.find(([ending]) => ending.test(String(name)));
    if (found) return { task: found[1], because: `config.json says ${name}` };
  }
  return undefined;
}

function byNote({ proto }: Model): Found | undefined {
  const task = proto.metadataProps.find(({ key }) => key === "task")?.value ?? "";
  const found = Object.hasOwn(noted, task) ? noted[task] : undefined;
  return found && { task: found, because: `the file's metadata says "${task}"` };
}

function byInputs({ reading, tensors, model }: Explainer): Found | undefined {
  const pictures = reading.inputs.filter(({ role }) => role === "picture");
  const tokens = reading.inputs.filter(({ role }) => role === "tokens");
  const outputs = model.outputs.map((name) => ({ name, rank: tensors.get(name)?.dims.length ?? 0 }));
  if (pictures.length && tokens.length) {
    const similar = outputs.find(({ name }) => /logits_per_(image|text)|similarity/.test(name));
    if (similar)
      return {
        task: "zero-shot-classification",
        because: `it takes a picture and a text, and gives "${similar.name}"`,
      };
    const words = outputs.find(({ rank }) => rank === 3);
    const decodes = tokens.some(({ name }) => /decoder/.test(name));
    if (words)
      return {
        task: decodes ? "captioning" : "vision-language",
        because: `it takes a picture and tokens, and gives scores of words, "${words.name}"`,
      };
    return { task: "question-answering", because: "it takes a picture and tokens, and gives scores" };
  }
  const shapes = pictures.map(({ shape }) => String(shape));
  if (pictures.length > 1 && new Set(shapes).size < shapes.length)
    return { task: "similarity", because: `it takes ${pictures.length} pictures of one shape` };
  return undefined;
}

function byOutputs(explainer: Explainer, labels: readonly string[]): Found {
  const { reading, tensors, model } = explainer;
  const { score, explained } = reading;
  const shape = tensors.get(score.name)?.dims ?? [];
  const dims = plainDims(shape, score.axes);
  const [, classes, ...grid] = dims;
  const places = grid.filter((d) => d !== 1);
  const origins = explained?.origins.get(score.name);
  const spatial = score.axes.grid.map((axis) => origins?.[axis]);
  const names = model.outputs.join(" ");
  if (!explained) return { task: "other", because: "none of its inputs has a grid" };
  const shown = `"${score.output}" has the shape [${tensors.get(score.output)?.dims ?? shape}]`;

  if (model.graph.node.some(({ opType }) => opType === "NonMaxSuppression"))
    return {
      task: /mask/i.test(names) ? "instance-segmentation" : "detection",
      because: "it ends in NonMaxSuppression",
    };
  const boxes = model.outputs.find((name) => /\b(pred_boxes|boxes|dets|bboxes|detection_boxes)\b/.test(name));
  const perPicture = tensors.get(boxes ?? "");
  // One box for each picture is a regression.
  if (
    boxes !== undefined &&
    !(perPicture?.perImage && perPicture.dims.length === 2 && explained.axes.batch !== undefined)
  )
    return {
      task: /mask/i.test(names) ? "instance-segmentation" : "detection",
      because: "its outputs are named as boxes",
    };
  if (explained.axes.grid.length === 2) {
    const several = spatial.some((origin) => origin?.mixed || (origin?.parts.length ?? 0) > 1);
    if (grid.length === 1 && several && classes > 4)
      return { task: "detection", because: `${shown}, a row for each place` };
    const [n, ...rest] = origins ?? [];
    if (n && rest.length === 2 && rest.every(isSpatial))
      return { task: /depth|disparity/i.test(names) ? "depth" : "other", because: `${shown}, a value for each place` };
    if (places.length === 1 && spatial.some((origin) => origin && isSpatial(origin)))
      return { task: "text-recognition", because: `${shown}, scores for each place along one axis of the picture` };
    if (places.length === 2) {
      if (/depth|disparity/i.test(names)) return { task: "depth", because: "its output is named so" };
      if (/heat|keypoint|landmark/i.test(names)) return { task: "keypoints", because: "its output is named so" };
      return { task: "segmentation", because: `${shown}, scores for each place` };
    }
  }
  if (grid.length > 0 && places.length > 0)
    return { task: grid.length === 1 ? "other" : "segmentation", because: shown };
  if (holdsFrames(explained.axes)) return { task: "video-classification", because: "it takes frames" };
  if (/embed|descriptor|pooler|features?\b/i.test(names) || isUnit(model, score.name))
    return labels.length
      ? { task: "classification", because: `it has ${labels.length} labels` }
      : {
          task: "embedding",
          because: isUnit(model, score.name) ? "its output has length 1" : "its output is named so",
        };
  if (classes === 1 && score.before !== "Sigmoid" && labels.length === 0)
    return { task: "regression", because: `${shown}, one value` };
  return { task: "classification", because: shown };
}

/** Whether a tensor is divided by its own length. */
function isUnit({ producer }: Model, name: string): boolean {
  const node = producer.get(name);
  if (node?.opType === "LpNormalization") return true;
  if (node?.opType !== "Div") return false;
  let at = producer.get(node.input[1]);
  for (let steps = 0; at && steps < 4; steps++, at = producer.get(at.input[0]))
    if (at.opType === "ReduceL2" || at.opType === "ReduceSumSquare") return true;
  return false;
}
