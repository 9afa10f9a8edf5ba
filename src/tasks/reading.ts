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
import type { Level } from "./detect/levels.ts";
import { labelsFrom } from "./formats/label-file.ts";
import { noted, preparationOf } from "./preparation.ts";
import type { Said } from "./said.ts";
import { type Kind, kindOf } from "./sample.ts";
import type { MaskHead } from "./segment/mask-head.ts";
import { detects, type Task, taskOf } from "./task.ts";
import type { TextHead } from "./text/text-head.ts";

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
  /** What its scores are computed as, and the layers that maps of its boxes lie on. */
  readonly levels?: readonly Level[];
  /** Of a segmenter that is read: where its masks are. */
  readonly masks?: MaskHead;
  /** Of a text recogniser that is read: where its characters are. */
  readonly text?: TextHead;
  /** What can be asked. */
  readonly questions: readonly string[];
  readonly decisions: readonly Decision[];
  /** What a reader of any explanation must know. */
  readonly warnings: readonly Warning[];
}

/** @throws UserError for broken configurations. */
export function readingOf(explainer: Explainer, said: Said): ModelReading {
  const { model, tensors, reading } = explainer;
  const { explained } = reading;
  const { detector, segmenter, recogniser, headDecision } = said;
  const score = detector ? { ...reading.score, ...ofHead(detector.head) } : reading.score;
  const labels = labelsOf(said);
  const kind = explained && kindOf(explained.axes);
  const prepared = explained && kind === "picture" ? preparationOf(tensors, explained, said) : undefined;
  const found = taskFor(explainer, said);
  const dims = plainDims(tensors.get(score.name)?.dims ?? [], score.axes);
  const probable = detector?.probable ?? probabilityOf(model, found.task, score, dims, said, labels.names);
  const levels = detector && [...new Set(detector.levels.flatMap(({ layer }) => layer ?? []))];
  const layers = defaultFirst(explainer, levels ?? segmenter?.levels ?? recogniser?.levels);
  const decisions: Decision[] = [
    { what: "task", value: found.task, because: found.because },
    // Which output holds scores is the head's affair where there is one.
    ...reading.decisions.filter(({ what }) => !detector || !["output", "scores"].includes(what)),
    ...(headDecision ? [headDecision] : []),
    ...(prepared ? [prepared.decision] : []),
    ...(segmenter || recogniser
      ? []
      : [{ what: "probabilities", value: probable.probability, because: probable.because }]),
    ...(labels.names.length
      ? [{ what: "labels", value: `${labels.names.length} names`, because: labels.source, option: "--labels" }]
      : []),
    ...layers.flatMap((layer) =>
      layer.default ? [layerDecision(layer, explained?.name, levels, recogniser?.levels)] : [],
    ),
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
    ...(detector && { head: detector.head, levels: detector.levels }),
    ...(segmenter && { masks: segmenter.head }),
    ...(recogniser && { text: recogniser.head }),
    questions:
      segmenter?.questions ??
      recogniser?.questions ??
      ((kind === "picture" && detector?.questions) || questionsOf(found.task, dims, kind)),
    decisions,
    warnings: [
      ...warningsOf(
        decisions,
        detector?.head.classes ?? segmenter?.head.classes ?? dims[1] ?? 0,
        explainer,
        recogniser?.head.characters ?? labels.names,
        segmenter || recogniser ? undefined : probable,
        detector ? shownBy(detector.head) : (segmenter?.reads ?? [score.output]),
      ),
      ...(recogniser && !recogniser.head.characters ? [unnamedCharacters] : []),
    ],
  };
}

const unnamedCharacters: Warning = {
  code: "labels",
  text: "The model does not name its characters, so \ufffd stands for each of them; --labels takes a file with a character on each line.",
};

/** The outputs that a detector's answers are made of. */
const shownBy = ({ reads, prototypes }: Head): readonly string[] => [...reads, ...(prototypes ? [prototypes] : [])];

/** Of a detector the layers of its boxes are the defaults, of a segmenter that of its masks. */
function defaultFirst(explainer: Explainer, levels: readonly string[] = []): readonly LayerReading[] {
  const layers = explainer.layersOfAll();
  if (levels.length === 0) return layers;
  const own = levels.map((name): LayerReading => {
    const { grid } = explainer.layoutOf(name);
    const unlisted = { name, shape: explainer.tensors.get(name)?.dims ?? [], grid, of: explainer.imageInput ?? "" };
    return { ...(layers.find((layer) => layer.name === name) ?? unlisted), default: true };
  });
  const others = layers.flatMap(({ default: _, ...layer }) => (levels.includes(layer.name) ? [] : [layer]));
  return [...own, ...others];
}

/** What the model is for: as the caller says, else as its files and its graph do. */
export const taskFor = (explainer: Explainer, said: Said): { readonly task: Task; readonly because: string } =>
  said.task ? { task: said.task, because: "you said so" } : taskOf(explainer, said.config, labelsOf(said).names);

/** The scores are what the head says. */
const ofHead = ({ scores }: Head) => ({ name: scores, output: scores, before: undefined });

function layerDecision(
  { name, of }: LayerReading,
  explained: string | undefined,
  levels: readonly string[] = [],
  alongLine: readonly string[] = [],
): Decision {
  const rule = levels.includes(name)
    ? "a level of the head starts from it"
    : alongLine.includes(name)
      ? "it is the last that is at least twice as fine along the line as the steps of the text"
      : "it is the last activation with a learned operator or a pooling between it and the scores";
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

function questionsOf(task: Task, [, classes]: PlainDims, kind: Kind | undefined): string[] {
  if (kind === undefined || detects(task) || task === "text-recognition" || task === "keypoints") return [];
  return [
    `class:${classes > 0 ? `0 to ${classes - 1}` : "…"} (or its name)`,
    "class:topN",
    "not:…",
    "class:… ~ class:…",
  ];
}

function warningsOf(
  decisions: readonly Decision[],
  classes: number,
  { tensors, model }: Explainer,
  labels: readonly string[],
  probable: Probable | undefined,
  shown: readonly string[],
): Warning[] {
  const guessed = (what: string) => decisions.find((d) => d.what === what && d.guess);
  const [preparation, layout, head] = [guessed("preparation"), guessed("layout"), guessed("head")];
  const typeOf = (name: string) => tensors.get(name)?.type;
  const heads = model.outputs.filter((name) => {
    const scores = (tensors.get(name)?.dims.length ?? 0) >= 2 && typeOf(name) === typeOf(shown[0] ?? "");
    return scores && !shown.includes(name);
  });
  const named =
    labels.length === 0 || classes <= 0 || labels.length === classes || (classes === 1 && labels.length === 2);
  return told([
    [
      "preparation-guessed",
      preparation && `The model does not say how pictures are prepared; this was assumed: ${preparation.value}.`,
    ],
    ["layout-guessed", layout && `The order of the input's axes was guessed, ${layout.value}: ${layout.because}.`],
    ["head-guessed", head && `How boxes are read was guessed: ${head.because}.`],
    [
      "probability-guessed",
      probable?.guess && "The model does not say how its scores become probabilities; a softmax over them was assumed.",
    ],
    [
      "masks-guessed",
      guessed("masks") && "The model does not say what its one plane is; it was taken for logits, predicted above 0.",
    ],
    ["other-heads", heads.length > 0 && `The model has other outputs that are not shown: ${heads.join(", ")}.`],
    [
      "text-guessed",
      guessed("text") &&
        `Which class is no character was guessed, ${guessed("text")?.value}: ${guessed("text")?.because}.`,
    ],
    ["labels", !named && `Only ${labels.length} of ${classes} classes have names; the others go by their number.`],
  ]);
}
