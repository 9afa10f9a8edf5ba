/** @file What a person takes away: pictures, numbers, the record of how they were made, and the model that explains itself. */
import { methods } from "gradcam";
import { compile } from "gradcam/compile";
import {
  type ClassExplanation,
  encodeNpy,
  encodePng,
  type FigureRow,
  figureOf,
  type LoadedClassifier,
  type Look,
  type Picture,
  type Preprocess,
  panelCell,
  rasterise,
  view,
} from "gradcam/web";
import { asMethod, type Exported, type ExportKind, type ExportRequest } from "./contract.ts";

interface Taken {
  readonly picture: Picture;
  readonly look: Look;
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
  png: async (request, _, taken) => ({ type: "image/png", bytes: await encodePng(drawn(request, taken)) }),
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
      bytes: compiled(model, how, request),
    };
  return { name: nameOf(request, taken, endings[kind]), ...(await makers[kind](request, model, taken, how)) };
}

/** As `gradcam explain` draws its panel: a row for each class. */
async function figure(
  request: ExportRequest,
  { classifier }: LoadedClassifier,
  taken: Taken,
  explanations: readonly ClassExplanation[],
): Promise<string> {
  const { look, picture } = taken;
  const rows: FigureRow[] = [];
  for (const explanation of explanations) {
    const { class: index, question, blank } = explanation;
    const cell = blank ? { blank } : await encodePng(panelCell(drawn(request, { ...taken, explanation })));
    rows.push({ class: index, question, cells: [cell] });
  }
  const why = { predictions: rows.map((row) => look.prediction(row.class)), explanations };
  const caption = [`Model ${classifier.name}`, layerOf(taken) && `layer ${layerOf(taken)}`].filter(Boolean).join(", ");
  const options = { colormap: request.colormap, caption };
  return figureOf(why, rows, await encodePng(panelCell(picture)), options);
}

/** Two pixels to a unit, as `gradcam explain` has them. */
const inPixels = async (svg: string) => ({ type: "image/png", bytes: await rasterise(svg, { scale: 2 }) });

const drawn = ({ colormap, opacity }: ExportRequest, { explanation, look, picture }: Taken): Picture =>
  view(explanation, { picture, geometry: look.seen.geometry }, { colormap, opacity });

const layerOf = ({ explanation, look }: Taken): string | undefined => explanation.layer ?? look.forward.layer;

const nameOf = ({ picture, kind }: ExportRequest, { explanation }: Taken, ending: string): string =>
  [picture, explanation.method, ...(kind === "panel" ? [] : [explanation.asked]), ending].join(".");

/** As `gradcam explain --json` prints it. */
function record(
  request: ExportRequest,
  { classifier, sha256, runtimeVersion }: LoadedClassifier,
  taken: Taken,
  preprocess: Preprocess,
) {
  const { explanation, look } = taken;
  const { class: index, label, method, question, layer, map, peak, box, warnings, blank } = explanation;
  const listed = new Set([...look.ranking.slice(0, 5), index]);
  return {
    image: request.picture,
    model: { name: classifier.name, sha256 },
    layer: layerOf(taken) ?? null,
    predictions: look.ranking.filter((c) => listed.has(c)).map((c) => look.prediction(c)),
    explanations: [
      {
        ...{ class: index, label, method, question, layer: layer ?? null },
        map: { file: nameOf(request, taken, endings.npy), shape: map.dims },
        overlay: nameOf(request, taken, endings.png),
        ...{ peak, box, warnings, blank },
      },
    ],
    onnxruntime: runtimeVersion,
    preprocess,
    score: classifier.score.name,
  };
}

/** By the method that is chosen, where it is a graph; by Grad-CAM where not. */
function compiled(
  { classifier: { explainer, labels } }: LoadedClassifier,
  preprocess: Preprocess,
  { question }: ExportRequest,
) {
  const method = methods.find(({ name, graph }) => name === question.method && graph)?.name ?? "grad-cam";
  const notes = { labels: JSON.stringify(labels.names), preprocess: JSON.stringify(preprocess) };
  return compile(explainer, { method, notes });
}
