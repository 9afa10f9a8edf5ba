/** @file What a person takes away: pictures, numbers, the record of how they were made, and the model that explains itself. */
import { methods } from "gradcam";
import { compile } from "gradcam/compile";
import {
  type ClassExplanation,
  encodeNpy,
  encodePng,
  figureOf,
  type LoadedClassifier,
  type Look,
  type Picture,
  panelCell,
  view,
} from "gradcam/web";
import type { Exported, ExportKind, ExportRequest } from "./contract.ts";

interface Taken {
  readonly picture: Picture;
  readonly look: Look;
  readonly explanation: ClassExplanation;
}

type Maker = (request: ExportRequest, model: LoadedClassifier, taken: Taken) => Promise<Omit<Exported, "name">>;

const endings: Readonly<Record<ExportKind, string>> = {
  png: "png",
  panel: "panel.svg",
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
  panel: async (request, model, taken) => {
    const { explanation, look, picture } = taken;
    const { class: index, question, blank } = explanation;
    const cell = blank ? { blank } : await encodePng(panelCell(drawn(request, taken)));
    const why = { predictions: [look.prediction(index)], explanations: [explanation] };
    const caption = [`Model ${model.classifier.name}`, layerOf(taken) && `layer ${layerOf(taken)}`].filter(Boolean);
    const options = { colormap: request.colormap, caption: caption.join(", ") };
    const input = await encodePng(panelCell(picture));
    return text(figureOf(why, [{ class: index, question, cells: [cell] }], input, options), "image/svg+xml");
  },
  json: async (request, model, taken) =>
    text(`${JSON.stringify(record(request, model, taken), null, 2)}\n`, "application/json"),
};

export async function exportAs(
  request: ExportRequest,
  model: LoadedClassifier,
  taken: Taken | undefined,
): Promise<Exported> {
  const { kind } = request;
  if (kind === "onnx" || !taken)
    return {
      name: `${model.classifier.name}.${endings.onnx}`,
      type: "application/octet-stream",
      bytes: compiled(model, request),
    };
  return { name: nameOf(request, taken, endings[kind]), ...(await makers[kind](request, model, taken)) };
}

const drawn = ({ colormap, opacity }: ExportRequest, { explanation, look, picture }: Taken): Picture =>
  view(explanation, { picture, geometry: look.seen.geometry }, { colormap, opacity });

const layerOf = ({ explanation, look }: Taken): string | undefined => explanation.layer ?? look.forward.layer;

const nameOf = ({ picture }: ExportRequest, { explanation: { method, asked } }: Taken, ending: string): string =>
  `${picture}.${method}.${asked}.${ending}`;

/** As `gradcam explain --json` prints it. */
function record(request: ExportRequest, { classifier, sha256, runtimeVersion }: LoadedClassifier, taken: Taken) {
  const { explanation, look } = taken;
  const { class: index, label, method, question, map, peak, box, blank } = explanation;
  const listed = new Set([...look.ranking.slice(0, 5), index]);
  return {
    image: request.picture,
    model: { name: classifier.name, sha256 },
    layer: layerOf(taken) ?? null,
    predictions: look.ranking.filter((c) => listed.has(c)).map((c) => look.prediction(c)),
    explanations: [
      {
        ...{ class: index, label, method, question },
        map: { file: nameOf(request, taken, endings.npy), shape: map.dims },
        overlay: nameOf(request, taken, endings.png),
        ...{ peak, box, blank },
      },
    ],
    onnxruntime: runtimeVersion,
    preprocess: classifier.preprocess,
    score: classifier.score.name,
  };
}

/** By the method that is chosen, where it is a graph; by Grad-CAM where not. */
function compiled({ classifier: { explainer, labels, preprocess } }: LoadedClassifier, { question }: ExportRequest) {
  const method = methods.find(({ name, graph }) => name === question.method && graph)?.name ?? "grad-cam";
  const notes = { labels: JSON.stringify(labels.names), preprocess: JSON.stringify(preprocess) };
  return compile(explainer, { method, notes });
}
