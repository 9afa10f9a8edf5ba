/** @file What a person takes away: pictures, numbers, the record of how they were made, and the model that explains itself. */
import {
  type Box,
  box,
  type ClassExplanation,
  type ClassifiedSample,
  encodeNpy,
  encodePng,
  type FigureRow,
  figureOf,
  type Geometry,
  type LoadedClassifier,
  type Picture,
  type Preprocess,
  panelCell,
  rasterise,
  view,
} from "gradcam/web";
import { methods } from "../methods.ts";
import { asMethod, type Exported, type ExportKind, type ExportRequest } from "./contract.ts";
import type { Edit } from "./edit.ts";
import { boxed as drawBox, redrawn } from "./redrawn.ts";

interface Taken {
  /** As it was asked about: with what the brush did. */
  readonly picture: Picture;
  readonly edit: Edit | undefined;
  readonly geometry: Geometry;
  readonly look: ClassifiedSample;
  readonly explanation: ClassExplanation;
}

type Maker = (
  request: ExportRequest,
  model: LoadedClassifier,
  taken: Taken,
  how: Preprocess,
) => Promise<Omit<Exported, "name">>;

const endings: Readonly<Record<ExportKind, string>> = {
  png: "png",
  figure: "figure.png",
  svg: "figure.svg",
  panel: "panel.png",
  json: "json",
  npy: "npy",
  onnx: "gradcam.onnx",
};

const text = (content: string, type: string) => ({ type, bytes: new TextEncoder().encode(content) });

const makers: Readonly<Record<Exclude<ExportKind, "onnx">, Maker>> = {
  png: async (request, _, taken) => ({ type: "image/png", bytes: await encodePng(await drawn(request, taken)) }),
  npy: async (_, __, { explanation: { map } }) => ({
    type: "application/octet-stream",
    bytes: encodeNpy(map.data, map.dims),
  }),
  figure: async (request, model, taken) => inPixels(await figure(request, model, taken, [taken.explanation])),
  svg: async (request, model, taken) => text(await figure(request, model, taken, [taken.explanation]), "image/svg+xml"),
  panel: async (request, model, taken) => {
    const { class: index, against, counterfactual, method } = request.question;
    const classes = ["top3", index];
    const explanations = await taken.look.explain({ classes, against, counterfactual, method: asMethod(method) });
    return inPixels(await figure(request, model, taken, explanations));
  },
  json: async (request, model, taken, how) =>
    text(`${JSON.stringify(record(request, model, taken, how), null, 2)}\n`, "application/json"),
};

export async function exportAs(
  request: ExportRequest,
  model: LoadedClassifier,
  how: Preprocess,
  taken: Taken | undefined,
): Promise<Exported> {
  const { kind } = request;
  if (kind === "onnx" || !taken)
    return {
      name: `${model.classifier.name}.${endings.onnx}`,
      type: "application/octet-stream",
      ...(await compiled(model, how, request)),
    };
  return { name: nameOf(request, taken, kind), ...(await makers[kind](request, model, taken, how)) };
}

/** As `gradcam explain` draws its panel: a row for each class. */
async function figure(
  request: ExportRequest,
  { classifier }: LoadedClassifier,
  taken: Taken,
  explanations: readonly ClassExplanation[],
): Promise<string> {
  const { look, picture, edit } = taken;
  const rows: FigureRow[] = [];
  for (const explanation of explanations) {
    const { class: index, question, blank } = explanation;
    const cell = blank ? { blank } : await encodePng(panelCell(await drawn(request, { ...taken, explanation })));
    rows.push({ class: index, question, cells: [cell] });
  }
  const why = { predictions: rows.map((row) => look.prediction(row.class)), explanations };
  const caption = [
    `Model ${classifier.name}`,
    layerOf(taken) && `layer ${layerOf(taken)}`,
    request.boxed && `box at ${hundredths(request)} % of the maximum`,
    edit?.caption,
  ];
  const options = { colormap: request.colormap, caption: caption.filter(Boolean).join(", ") };
  return figureOf(why, rows, await encodePng(panelCell(picture)), options);
}

/** Two pixels to a unit, as `gradcam explain` has them. */
const inPixels = async (svg: string) => ({ type: "image/png", bytes: await rasterise(svg, { scale: 2 }) });

const hundredths = ({ threshold }: ExportRequest): number => Math.round(100 * threshold);

/** As the stage shows it: with the box, where that is shown. */
async function drawn(request: ExportRequest, { explanation, geometry, picture }: Taken): Promise<Picture> {
  const { colormap, opacity, boxed } = request;
  const plain = view(explanation, { picture, geometry }, { colormap, opacity });
  const found = boxed && boxIn(explanation, request);
  return found ? redrawn(plain, drawBox(found)) : plain;
}

/** The box of the threshold that is shown; a blank map has none. */
const boxIn = ({ onPicture, blank }: ClassExplanation, { threshold }: ExportRequest): Box | undefined =>
  blank ? undefined : box(onPicture, { threshold });

const layerOf = ({ explanation, look }: Taken): string | undefined => explanation.layer ?? look.forward.layer;

function nameOf(request: ExportRequest, { explanation, edit }: Taken, kind: Exclude<ExportKind, "onnx">): string {
  const asked = kind !== "panel" && explanation.asked;
  const boxed = kind === "png" && request.boxed && `box-${hundredths(request)}`; // it has no caption to say so
  const parts = [request.picture, edit && "edited", explanation.method, asked, boxed, endings[kind]];
  return parts.filter(Boolean).join(".");
}

/** As `gradcam explain --json` prints it. */
function record(
  request: ExportRequest,
  { classifier, sha256, runtimeVersion }: LoadedClassifier,
  taken: Taken,
  preprocess: Preprocess,
) {
  const { explanation, look, edit } = taken;
  const { class: index, label, method, question, layer, map, peak, warnings, blank } = explanation;
  const { threshold } = request;
  return {
    image: request.picture,
    ...(edit && { edited: edit.record }),
    model: { name: classifier.name, sha256 },
    layer: layerOf(taken) ?? null,
    predictions: look.predictions([index]),
    explanations: [
      {
        ...{ class: index, label, method, question, layer: layer ?? null },
        map: { file: nameOf(request, taken, "npy"), shape: map.dims },
        overlay: nameOf(request, taken, "png"),
        ...{ peak, box: boxIn(explanation, request), threshold, warnings, blank },
      },
    ],
    onnxruntime: runtimeVersion,
    preprocess,
    score: classifier.score.name,
  };
}

/** By the method that is chosen, where it is a graph; by Grad-CAM where not. */
async function compiled(
  { classifier: { explainer, labels } }: LoadedClassifier,
  preprocess: Preprocess,
  { question }: ExportRequest,
) {
  const method = methods.find(({ name, compiles }) => name === question.method && compiles)?.name ?? "grad-cam";
  const { incomplete, names } = labels;
  const notes = { ...(!incomplete && { labels: JSON.stringify(names) }), preprocess: JSON.stringify(preprocess) };
  const usual = explainer.layers[0]?.name;
  const said = [
    incomplete && `The labels were left out of it, for they are too few: ${incomplete}.`,
    method !== question.method && `It explains by ${method}: ${question.method} is no part of a graph.`,
    (question.layer ?? usual) !== usual && `It explains at ${usual}, the default layer, not at ${question.layer}.`,
  ].filter(Boolean);
  // With it every method is loaded.
  const { compile } = await import("gradcam/compile");
  return { bytes: compile(explainer, { method, notes }), ...(said.length && { note: said.join(" ") }) };
}
