/** @file How methods are combined: see combined.ts, which says with what. */
import type { Dense } from "../array/dense.ts";
import { UserError } from "../errors.ts";
import { product } from "../onnx/dims.ts";
import { fused } from "./fuse.ts";
import type { Explanation, Method, Question } from "./method.ts";
import { smoothed } from "./smoothed.ts";

type Explain = (question: Question) => Promise<Explanation>;

export function explainCombined(method: Method, question: Question, layers: number | string): Promise<Explanation> {
  const { augment = "none", smooth = "none" } = question.options;
  const one: Explain = (asked) => method.explain(smooth === "none" ? asked : smoothly(asked));
  const onLayers: Explain = layers === 1 ? one : (asked) => fusedOver(asked, layers, one);
  return augment === "none" ? onLayers(question) : averaged(question, String(augment), onLayers);
}

const smoothly = (question: Question): Question => ({
  ...question,
  atLayer: (map, weigh) => question.atLayer(smoothed(map), weigh),
  atVariants: (image, variants, map) => question.atVariants(image, variants, smoothed(map)),
});

/** One of so many parts of the work. */
const part = (question: Question, i: number, count: number): Question => ({
  ...question,
  progress: (done) => question.progress((i + done) / count),
});

async function fusedOver(question: Question, layers: number | string, explain: Explain): Promise<Explanation> {
  const names = chosen(question, layers);
  const maps: Dense[] = [];
  for (const [i, name] of names.entries())
    maps.push((await explain(part(elsewhere(question, "layers").at(name), i, names.length))).maps);
  const cells = maps.map(({ dims }) => product(dims.slice(1)));
  const finest = names[cells.indexOf(Math.max(...cells))];
  return { maps: fused(maps), ...(finest !== undefined && { layer: finest }) };
}

/** The layers that are named, or the layer that is asked about and the last one of each of the next finer grids. */
function chosen(question: Question, layers: number | string): readonly string[] {
  if (layers === "levels")
    throw new UserError(
      "invalid-option",
      'invalid option layers: "levels" are those of a detector\'s head, which joins their maps, and this model has none; allowed here are an integer of at least 1 and names of layers',
    );
  if (typeof layers === "string") return [...new Set(layers.split(",").map((name) => name.trim()))].filter(Boolean);
  const { layers: candidates, layer } = elsewhere(question, "layers");
  const own = candidates.find(({ name }) => name === layer);
  if (!own)
    throw new UserError(
      "invalid-option",
      "invalid option: layers takes a number with a layer that is a candidate; name the layers",
    );
  const byGrid = new Map([[product(own.grid), own.name]]);
  for (const { name, grid } of candidates) {
    const size = product(grid);
    if (size > product(own.grid) && !byGrid.has(size)) byGrid.set(size, name);
  }
  const found = [...byGrid].sort(([a], [b]) => a - b).map(([, name]) => name);
  if (found.length < layers)
    throw new UserError(
      "invalid-option",
      `invalid option layers: ${layers}; from "${own.name}" on the model has layers on ${found.length} grids`,
    );
  return found.slice(0, layers);
}

/** The mean over the image as it is, mirrored, and brighter and darker, as pytorch-grad-cam's aug_smooth. */
async function averaged(question: Question, augment: string, explain: Explain): Promise<Explanation> {
  const { image } = question;
  const mirrors = augment.includes("mirror") ? [false, true] : [false];
  if (mirrors.length > 1 && image.dims.length < 4)
    throw new UserError(
      "invalid-option",
      "invalid option: augment mirrors images, and the input is a signal; take augment=brightness",
    );
  const factors = augment.includes("brightness") ? [0.9, 1, 1.1] : [1];
  const views = mirrors.flatMap((mirror) => factors.map((factor) => ({ mirror, factor })));
  const all: Explanation[] = [];
  for (const [i, { mirror, factor }] of views.entries()) {
    const seen = mirror ? mirrored(image) : image;
    const brighter = { data: seen.data.map((value) => value * factor), dims: seen.dims };
    const found = await explain(part(elsewhere(question, "augment").of(brighter), i, views.length));
    const back = (array: Dense) => (mirror ? mirrored(array) : array);
    all.push({ ...found, maps: back(found.maps), ...(found.pixels && { pixels: back(found.pixels) }) });
  }
  const pixels = all.flatMap((one) => one.pixels ?? []);
  const [first] = all;
  return {
    ...first,
    maps: mean(all.map(({ maps }) => maps)),
    ...(pixels.length > 0 && { pixels: mean(pixels) }),
  };
}

function elsewhere(question: Question, option: string): NonNullable<Question["elsewhere"]> {
  if (question.elsewhere) return question.elsewhere;
  throw new UserError(
    "invalid-option",
    `invalid option: ${option} is for questions about classes, not about boxes, masks, pixels or words`,
  );
}

/** Along its last axis. */
function mirrored({ data, dims }: Dense): Dense {
  const width = dims.at(-1) ?? 1;
  const out = new Float32Array(data.length);
  for (let row = 0; row < data.length; row += width)
    for (let x = 0; x < width; x++) out[row + x] = data[row + width - 1 - x] ?? 0;
  return { data: out, dims };
}

function mean(arrays: readonly Dense[]): Dense {
  const [first] = arrays;
  const sum = new Float64Array(first?.data.length ?? 0);
  for (const { data } of arrays) for (let i = 0; i < sum.length; i++) sum[i] += (data[i] ?? 0) / arrays.length;
  return { data: Float32Array.from(sum), dims: first?.dims ?? [] };
}
