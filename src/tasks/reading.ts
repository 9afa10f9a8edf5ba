/**
 * @file How a model was read: its inputs and outputs, the scores, how pictures are prepared, what its classes are called, where maps can
 * lie, and the reason for each of it. One value, made by one function, for the command line, the library, the studio and the service.
 */
import type { Explainer } from "../explain/explainer.ts";
import type { Preprocess } from "../image/preprocess.ts";
import { type PlainDims, plainDims } from "../read/axes.ts";
import { type Decision, told, type Warning } from "../read/decision.ts";
import { type LayerReading, type OutputReading, outputReadings } from "../read/graph.ts";
import type { InputReading } from "../read/inputs.ts";
import type { Score } from "../read/score.ts";
import { type Probability, type Probable, probabilityOf } from "./classify/probability.ts";
import type { Head } from "./detect/head.ts";
import { labelsFrom } from "./formats/label-file.ts";
import { noted, preparationOf } from "./preparation.ts";
import type { Said } from "./said.ts";
import { type Kind, kindOf } from "./sample.ts";
import type { MaskHead } from "./segment/mask-head.ts";
import { detects, type Task, taskOf } from "./task.ts";

export interface ModelReading {
  readonly name: string;
  readonly task: Task;
  /** What it takes: pictures, signals or volumes; undefined for what is none. */
  readonly kind: Kind | undefined;
  readonly inputs: readonly InputReading[];
  readonly outputs: readonly OutputReading[];
  readonly score: Score;
  /** How scores become probabilities. */
  readonly probability: Probability;
  /** Undefined where the model takes no pictures that could be prepared. */
  readonly preparation: Preprocess | undefined;
  readonly labels: { readonly names: readonly string[]; readonly source: string };
  readonly layers: readonly LayerReading[];
  /** Of a detector that is read: where its boxes and scores are. */
  readonly head?: Head;
  /** Of a segmenter that is read: where its masks are. */
  readonly masks?: MaskHead;
  /** What can be asked. */
  readonly questions: readonly string[];
  readonly decisions: readonly Decision[];
  /** What a reader of any explanation must know. */
  readonly warnings: readonly Warning[];
}

/** @throws UserError for broken configurations. */
export function readingOf(explainer: Explainer, said: Said): ModelReading {
  const { model, tensors, reading } = explainer;
  const { explained, score } = reading;
  const labels = labelsOf(said);
  const kind = explained && kindOf(explained.axes);
  const prepared = explained && kind === "picture" ? preparationOf(tensors, explained, said) : undefined;
  const found = taskFor(explainer, said);
  const dims = plainDims(tensors.get(score.name)?.dims ?? [], score.axes);
  const probable = probabilityOf(model, found.task, score, dims, said, labels.names);
  const layers = defaultFirst(explainer.layersOfAll(), said.levels);
  const decisions: Decision[] = [
    { what: "task", value: found.task, because: found.because },
    ...reading.decisions,
    ...(prepared ? [prepared.decision] : []),
    said.masks?.decision ?? { what: "probabilities", value: probable.probability, because: probable.because },
    ...(labels.names.length
      ? [{ what: "labels", value: `${labels.names.length} names`, because: labels.source, option: "--labels" }]
      : []),
    ...layers.flatMap((layer) => (layer.default ? [layerDecision(layer, explained?.name)] : [])),
  ];
  return {
    name: said.name,
    task: found.task,
    kind,
    inputs: reading.inputs,
    outputs: outputReadings(model, tensors, score),
    score,
    probability: probable.probability,
    preparation: prepared?.preprocess,
    labels,
    layers,
    ...(said.head && { head: said.head }),
    ...(said.masks && { masks: said.masks.head }),
    questions: said.masks ? maskQuestions : questionsOf(found.task, dims, kind, said.head),
    decisions,
    warnings: warningsOf(decisions, dims, explainer, labels.names, said.masks ? undefined : probable, said.masks?.head),
  };
}

/** Of a detector the layers of its boxes are the defaults, of a segmenter that of its masks. */
function defaultFirst(layers: readonly LayerReading[], levels: readonly string[] = []): readonly LayerReading[] {
  if (levels.length === 0) return layers;
  const own = levels.flatMap((name) => layers.filter((layer) => layer.name === name));
  const others = layers.flatMap(({ default: _, ...layer }) => (levels.includes(layer.name) ? [] : [layer]));
  return [...own.map((layer) => ({ ...layer, default: true as const })), ...others];
}

/** What the model is for: as the caller says, else as its files and its graph do. */
export const taskFor = (explainer: Explainer, said: Said): { readonly task: Task; readonly because: string } =>
  said.task ? { task: said.task, because: "you said so" } : taskOf(explainer, said.config, labelsOf(said).names);

function layerDecision({ name, of }: LayerReading, explained: string | undefined): Decision {
  const rule = "it is the last activation with a learned operator or a pooling between it and the scores";
  return of === explained
    ? { what: "layer", value: name, because: rule, option: "--layer" }
    : { what: `layer of "${of}"`, value: name, because: rule, option: "--explain-input" };
}

export function labelsOf(said: Said): ModelReading["labels"] {
  const { labels, labelsFrom: from, config, notes, file } = said;
  if (labels?.length) return { names: labels, source: from ?? "you gave them" };
  const configured = config === undefined ? [] : labelsFrom(config);
  if (configured.length) return { names: configured, source: "id2label of config.json" };
  const compiled = noted(notes, "labels", file);
  const names = compiled === undefined ? [] : labelsFrom(compiled);
  if (names.length) return { names, source: "the compiled file has them" };
  const own = said.fileNotes?.names ?? [];
  return { names: own, source: own.length ? "the file's metadata" : "none" };
}

function questionsOf(task: Task, [, classes]: PlainDims, kind: Kind | undefined, head?: Head): string[] {
  if (head && kind === "picture") return boxQuestions;
  if (kind === undefined || detects(task) || task === "text-recognition" || task === "keypoints") return [];
  return [`class:${classes > 0 ? `0 to ${classes - 1}` : "…"}, or its name`, "class:topN", "not:class:…"];
}

/** What a detector can be asked. */
const boxQuestions = [
  "box:0, or another's number",
  "box:topN",
  "box:0.left, .top, .right, .bottom or .objectness",
  "class:… by name or number, all of its boxes",
  "not:…, the opposite of each",
];

/** What a segmenter can be asked. */
const maskQuestions = [
  "class:… by name or number, where it is predicted",
  "class:topN",
  "mask:0, or another's number",
  "region:file.png, a mask of the picture's size",
  "pixel:x,y",
  "not:…, the opposite of each",
];

function warningsOf(
  decisions: readonly Decision[],
  [, scored]: PlainDims,
  { reading, tensors, model }: Explainer,
  labels: readonly string[],
  probable: Probable | undefined,
  masks: MaskHead | undefined,
): Warning[] {
  const classes = masks?.classes ?? scored;
  const guessed = (what: string) => decisions.find((d) => d.what === what && d.guess);
  const [preparation, layout] = [guessed("preparation"), guessed("layout")];
  const typeOf = (name: string) => tensors.get(name)?.type;
  const heads = model.outputs.filter((name) => {
    const scores = (tensors.get(name)?.dims.length ?? 0) >= 2 && typeOf(name) === typeOf(reading.score.output);
    const read = masks?.kind === "queries" ? [masks.tensor, masks.scores] : [reading.score.output];
    return scores && !read.includes(name);
  });
  const named =
    labels.length === 0 || classes <= 0 || labels.length === classes || (classes === 1 && labels.length === 2);
  return told([
    [
      "preparation-guessed",
      preparation && `The model does not say how pictures are prepared; this was assumed: ${preparation.value}.`,
    ],
    ["layout-guessed", layout && `The order of the input's axes was guessed, ${layout.value}: ${layout.because}.`],
    [
      "probability-guessed",
      probable?.guess && "The model does not say how its scores become probabilities; a softmax over them was assumed.",
    ],
    [
      "masks-guessed",
      guessed("masks") && "The model does not say what its one plane is; it was taken for logits, predicted above 0.",
    ],
    ["other-heads", heads.length > 0 && `The model has other outputs that are not shown: ${heads.join(", ")}.`],
    ["labels", !named && `Only ${labels.length} of ${classes} classes have names; the others go by their number.`],
  ]);
}
