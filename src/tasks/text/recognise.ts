/** @file Which text recogniser a model is: along which axis its steps lie, which class is the blank, and what its characters are. */
import type { Dense } from "../../array/dense.ts";
import { present } from "../../errors.ts";
import { ElementPass } from "../../explain/elements.ts";
import type { Explainer } from "../../explain/explainer.ts";
import { product } from "../../onnx/dims.ts";
import type { Feeds, Runtime } from "../../onnx/runtime.ts";
import { toDense } from "../../onnx/tensors.ts";
import { typeName } from "../../onnx/types.ts";
import { arrayOf } from "../../onnx/zeros.ts";
import { type Axes, plainDims, someAxes, toPlain } from "../../read/axes.ts";
import type { Decision } from "../../read/decision.ts";
import { layersOf } from "../../read/layers.ts";
import { isSpatial, type Origin } from "../../read/origin.ts";
import type { UsualPreparation } from "../formats/ultralytics.ts";
import { namedClasses } from "./characters.ts";
import { likeliest } from "./spell.ts";
import type { TextHead } from "./text-head.ts";

/** What was read of a text recogniser. */
export interface TextReading {
  readonly head: TextHead;
  /** The layer that maps of its characters lie on, where it is another than that of scores. */
  readonly levels: readonly string[];
  readonly questions: readonly string[];
}

interface RecognisedText {
  readonly recogniser: TextReading;
  readonly headDecision: Decision;
  readonly usual: UsualPreparation;
}

const questions = [
  "char:0 (or another number)",
  "char:topN (the N that are most probable)",
  "not:char:… (the opposite)",
  "char:… ~ char:… (one rather than another)",
];

/** Undefined for a model whose scores are no steps of characters. */
export async function recogniseText(
  ort: Runtime,
  explainer: Explainer,
  names: readonly string[],
): Promise<RecognisedText | undefined> {
  const { score, sized, reading } = explainer;
  const dims = sized.get(score.name)?.dims ?? [];
  const alongPicture = reading.explained?.origins.get(score.name)?.[score.axes.grid[0] ?? -1];
  const spelling = alongPicture && isSpatial(alongPicture) ? "ctc" : "attention";
  const axes = spelling === "ctc" ? score.axes : stepsOf(score.axes, dims, names.length);
  const channels = axes?.channels;
  if (!axes || channels === undefined || axes.grid.length !== 1) return undefined;
  const classes = dims[channels] as number;
  const given = names.length ? namedClasses(names, classes) : undefined;
  const silence = given?.silent === undefined ? await silentClass(ort, explainer, axes, classes) : undefined;
  const silent = given?.silent ?? (silence?.silent as number);
  const characters = given?.characters(silent);
  const what = spelling === "ctc" ? "blank" : "end of the text";
  const { because = "", guess = false } = silence ?? { because: given?.because };
  return {
    recogniser: {
      head: { spelling, tensor: score.name, axes, classes, silent, characters },
      levels:
        alongPicture && spelling === "ctc" ? finerThan(explainer, dims[axes.grid[0] as number] ?? 0, alongPicture) : [],
      questions,
    },
    headDecision: {
      ...{ what: "text", value: `${spelling === "ctc" ? "CTC" : "attention"}, ${what} is class ${silent}`, because },
      ...(guess && { guess }),
      option: "--labels",
    },
    usual: usualOf(listsCharacters(explainer) && inColour(explainer)),
  };
}

/**
 * The last layer that is at least twice as fine along the line as the steps are. Behind it a cell is as wide as a character, and what has
 * read the whole line says a character at whichever of its cells comes to be the step (measured: scripts/text/measure.mjs).
 */
function finerThan({ model, sized, score, reading: { explained } }: Explainer, steps: number, along: Origin): string[] {
  const axis = explained?.axes.grid.indexOf(along.parts[0]?.axis ?? -1) ?? -1;
  if (!explained || axis < 0) return [];
  const layers = layersOf(model, sized, explained, [score.name]);
  return layers
    .filter(({ grid }) => (grid[axis] ?? 0) >= 2 * steps)
    .slice(0, 1)
    .map(({ name }) => name);
}

const listsCharacters = ({ model }: Explainer): boolean =>
  model.proto.metadataProps.some(({ key }) => key === "character");

function inColour({ sized, reading: { explained } }: Explainer): boolean {
  const { name, axes } = present(explained, "the picture");
  return plainDims(sized.get(name)?.dims ?? [], axes)[1] === 3;
}

/** As PaddleOCR, OnnxTR and EasyOCR feed their recognisers, but for the order of the colours. */
const usualOf = (noted: boolean): UsualPreparation => ({
  known: { fit: "line", mean: 0.5, std: 0.5, ...(noted && { channels: "bgr" }) },
  words: `(x / 255 - 0.5) / 0.5${noted ? ", in the order blue, green, red" : ""}, as high as the input, padded at the end`,
  because: noted
    ? "so PaddleOCR's recognisers are fed, whose exporters list the characters in the metadata"
    : "so are most recognisers of text lines fed; the model does not specify it",
  guess: true,
});

/** The axes of scores of a step for each character: the classes are as many as the list names, or else the last axis. */
function stepsOf(axes: Axes, dims: readonly number[], named: number): Axes | undefined {
  if (dims.length !== 3) return undefined;
  const batch = axes.batch ?? 0;
  const others = [0, 1, 2].filter((axis) => axis !== batch);
  const fits = others.filter((axis) => named > 0 && [0, 1, 2].includes((dims[axis] as number) - named));
  const channels = fits[0] ?? (others[1] as number);
  return someAxes(
    batch,
    channels,
    others.filter((axis) => axis !== channels),
  );
}

/** On a picture with nothing on it there is nothing to read: what is said of it most is the blank, or the end. */
async function silentClass(ort: Runtime, explainer: Explainer, axes: Axes, classes: number) {
  const { score } = explainer;
  const pass = await ElementPass.run(ort, explainer, emptyFeeds(ort, explainer), {
    wanted: [score.name],
    prospects: [],
  });
  const steps = stepScores(toDense(pass.tensor(score.name)), axes);
  const best = steps.map(likeliest);
  const [first, last] = [0, classes - 1].map((c) => best.filter((one) => one === c).length) as [number, number];
  const silent = last > first ? classes - 1 : 0;
  const because = `it is said at ${Math.max(first, last)} of ${best.length} steps of an empty picture`;
  return { silent, because: first === last ? `${because}, as is class ${classes - 1}` : because, guess: true } as const;
}

/** A single picture where the batch is free. */
const emptyFeeds = (ort: Runtime, { model, sized }: Explainer): Feeds =>
  Object.fromEntries(
    model.inputs.map(({ name }) => {
      const { type, dims: known } = present(sized.get(name), "an input");
      const dims = known.map((d) => (d < 0 ? 1 : d));
      return [name, new ort.Tensor(typeName(type) as "float32", arrayOf(type, product(dims)) as Float32Array, dims)];
    }),
  );

/** The scores of each step, of the first picture. */
export function stepScores(scores: Dense, axes: Axes): Float32Array[] {
  const { data, dims } = toPlain(scores, axes);
  const [, classes = 0, steps = 0] = dims;
  return Array.from({ length: steps }, (_, t) =>
    Float32Array.from({ length: classes }, (_, c) => present(data[c * steps + t], "a score")),
  );
}
