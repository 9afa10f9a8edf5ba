/**
 * @file Makes docs/pictures: what each method shows of the bundled picture, and the panel of the README.
 *
 *     npm run build && node scripts/make-docs-pictures.mjs [NAME of a picture]...
 *
 * A method's picture shows only what the network saw, the central square; the README's panel is the one that
 * `gradcam explain` writes, made smaller. Colours are reduced to 256 or fewer to keep the repository small.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { upsample } from "../dist/image/geometry.js";
import { rasterise } from "../dist/image/sharp.js";
import { methods } from "../dist/index.js";
import {
  decode,
  encodePng,
  guidedImage,
  load,
  loadCaptioner,
  overlay,
  writeCaptioned,
  writeWhy,
} from "../dist/node.js";
import { constantValues, readModel } from "../dist/onnx/model.js";
import {
  DataType,
  encodeModel,
  makeGraph,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
} from "../dist/onnx/proto.js";
import { panel } from "../dist/render/panel.js";
import { makeScene, paint } from "../dist/scenes/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const photo = path.join(root, "examples/images/cat-and-cup.jpg");
const scene = path.join(root, "examples/images/scene.png");
const pictures = path.join(root, "docs/pictures");
const classes = ["Egyptian cat", "espresso"];
const margin = 8;
/** In pixels: of a method's picture, and of the others. */
const widths = { method: 600, other: 760 };
/** Bytes of a picture: one of fine noise has fewer colours. */
const most = 60_000;

/** Where a method is shown that is Grad-CAM on the bundled model's default layer, behind which its gradients are the same everywhere. */
const layers = { "hires-cam": "blocks.10/add", "layer-cam": "blocks.4/add" };

/** Methods made for boxes. */
const ofBoxes = new Set(["odam", "d-rise"]);

const pictureOf = ({ name, readsAttentions }) =>
  readsAttentions ? attentionPicture : ofBoxes.has(name) ? boxesPicture : methodPicture;

const all = {
  ...Object.fromEntries(methods.map((method) => [method.name, () => pictureOf(method)(method)])),
  ...{
    scenes: scenesPicture,
    layers: layersPicture,
    segmentation: segmentationPicture,
    "cat-and-cup.panel": readmePanel,
    caption: captionSheet,
    detection: boxesTogether,
    text: lineOfText,
  },
};
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(all, name));
if (unknown.length)
  throw new Error(`unknown pictures: ${unknown.join(", ")}; there are ${Object.keys(all).join(", ")}`);

const model = await load();
await mkdir(pictures, { recursive: true });
for (const [name, draw] of Object.entries(all))
  if (!asked.length || asked.includes(name)) await save(name, await draw());
await model.release();

/** The sheet that `gradcam caption` writes of the example scene. */
async function captionSheet() {
  const captioner = await loadCaptioner();
  const captioned = await captioner.explain(scene);
  await captioner.release();
  const directory = await mkdtemp(path.join(tmpdir(), "gradcam-docs-"));
  const { name } = captioner.captioner;
  const caption = `Model ${name}, layer ${captioned.explanations[0].layer}`;
  const { sheets } = await writeCaptioned(captioned, { directory, stem: "scene", colormap: "inferno", caption });
  const sheet = await readFile(path.join(directory, sheets[0].sheet));
  await rm(directory, { recursive: true });
  return sheet;
}

/** The picture of all boxes, and the sheet of their maps, that `gradcam explain` writes of a scene. */
async function boxesTogether() {
  const detector = await load(path.join(root, "models/scenes-detector"));
  const why = await detector.explain(paint(makeScene(17), 224).picture);
  await detector.release();
  const directory = await mkdtemp(path.join(tmpdir(), "gradcam-docs-"));
  const { overlay: all, explanations } = await writeWhy(why, { directory, stem: "scene", write: ["overlay"] });
  const files = [all, ...explanations.map((explanation) => explanation.overlay)];
  const [first, ...others] = await Promise.all(
    files.map((name) => sharp(path.join(directory, name)).resize(672, 672).png().toBuffer()),
  );
  await rm(directory, { recursive: true });
  const small = await Promise.all(others.map((png) => sharp(png).resize(332, 332).png().toBuffer()));
  const places = small.map((input, i) => ({ input, left: 680 + (i % 2) * 340, top: Math.floor(i / 2) * 340 }));
  const ground = sharp({ create: { width: 1352, height: 672, channels: 3, background: "white" } });
  return ground
    .composite([{ input: first, left: 0, top: 0 }, ...places])
    .png()
    .toBuffer();
}

/** The panel that `gradcam explain` writes of the example line. */
async function lineOfText() {
  const recogniser = await load(path.join(root, "models/lines-recogniser"));
  const why = await recogniser.explain(path.join(root, "examples/images/line.png"));
  await recogniser.release();
  const directory = await mkdtemp(path.join(tmpdir(), "gradcam-docs-"));
  const caption = `Model ${recogniser.reading.name}, layer ${why.explanations[0].layer}`;
  const { panel: file } = await writeWhy(why, { directory, stem: "line", caption, write: ["panel"] });
  const sheet = await readFile(path.join(directory, file));
  await rm(directory, { recursive: true });
  return sheet;
}

/** The bundled classifier without its pooling: scores of two of its classes, and a constant for neither, at every place. */
async function placewise() {
  const directory = path.join(root, "models/efficientnet-lite0");
  const read = readModel(new Uint8Array(await readFile(path.join(directory, "onnx/model.onnx"))));
  const { graph, opsetImport, irVersion } = read.proto;
  const pooled = graph.node.findIndex(({ opType }) => opType === "GlobalAveragePool");
  const kept = graph.node.slice(0, pooled);
  const names = model.reading.labels.names;
  const rows = classes.map((name) => names.indexOf(name));
  const weight = constantValues(read, "classifier/weight.half");
  const bias = constantValues(read, "classifier/bias");
  const channels = weight.length / bias.length;
  const w = Float32Array.from(
    [Array(channels).fill(0), ...rows.map((row) => weight.slice(row * channels, (row + 1) * channels))].flat(),
  );
  const b = Float32Array.from([3, ...rows.map((row) => bias[row])]);
  const used = new Set(kept.flatMap(({ input }) => input));
  return encodeModel(
    makeModel({
      irVersion,
      opsetImport: [...opsetImport],
      graph: makeGraph({
        name: "placewise",
        node: [...kept, makeNode("Conv", [graph.node[pooled].input[0], "w", "b"], ["logits"])],
        initializer: [
          ...graph.initializer.filter(({ name }) => used.has(name)),
          makeTensor("w", DataType.FLOAT, [1 + rows.length, channels, 1, 1], w),
          makeTensor("b", DataType.FLOAT, [1 + rows.length], b),
        ],
        input: [makeValueInfo(graph.input[0].name, DataType.FLOAT, ["batch", 3, "height", "width"])],
        output: [makeValueInfo("logits")],
      }),
    }),
  );
}

/** Two masks and a pixel of the bundled picture, each with its map. */
async function segmentationPicture() {
  const directory = await mkdtemp(path.join(tmpdir(), "gradcam-docs-"));
  const file = path.join(directory, "placewise.onnx");
  await writeFile(file, await placewise());
  const options = { labels: ["neither", ...classes], mean: 0.498, std: 0.502, size: { width: 640, height: 480 } };
  const segmenter = await load(file, options);
  const targets = [...classes.map((name) => `mask:${name}`), "pixel:470,150"];
  const why = await segmenter.explain(photo, { targets });
  await segmenter.release();
  const { explanations } = await writeWhy(why, { directory, stem: "photo", write: ["overlay"] });
  const shown = await Promise.all(explanations.map((one) => decode(path.join(directory, one.overlay))));
  await rm(directory, { recursive: true });
  return drawRow(
    why.explanations.map((one) => one.question),
    shown,
  );
}

/** One row: a scene, and the method's answer for its first two boxes. */
async function boxesPicture({ name }) {
  const detector = await load(path.join(root, "models/scenes-detector"));
  const { picture } = paint(makeScene(17), 160);
  const why = await detector.explain(picture, { method: name, targets: ["box:top2"] });
  await detector.release();
  const shown = why.explanations.map(({ map }) => drawn({ map }, picture));
  return drawRow(["Input", ...why.explanations.map(({ label }) => label)], [picture, ...shown]);
}

/** One row: a scene, and the method's answer for two of its colours by a vision transformer (scripts/scenes/train_vit.py). */
async function attentionPicture({ name }) {
  const transformer = await load(path.join(root, "scripts/scenes/vit"));
  const { picture } = paint(makeScene(17), 192);
  const colours = ["red", "green"];
  const why = await transformer.explain(picture, { method: name, classes: colours });
  await transformer.release();
  return drawRow(["Input", ...colours], [picture, ...why.explanations.map(({ map }) => drawn({ map }, picture))]);
}

/** One row: the input, and the method's answer for each class. */
async function methodPicture({ name }) {
  const why = await model.explain(photo, { classes, method: name, layer: layers[name] });
  const seen = await seenByTheNetwork(why);
  return drawRow(["Input", ...classes], [seen, ...why.explanations.map((explanation) => drawn(explanation, seen))]);
}

/** Grad-CAM of one class on three layers, from the default towards the pixels. */
async function layersPicture() {
  const names = ["features", "blocks.10/add", "blocks.4/add"];
  const shown = [];
  for (const layer of names) {
    const why = await model.explain(photo, { classes: ["espresso"], layer });
    shown.push(drawn(why.explanations[0], await seenByTheNetwork(why)));
  }
  return drawRow(names, shown);
}

/** The map over what the network saw or, for methods at the pixels, their signed image. */
function drawn({ map, pixels }, { width, height, data }) {
  const [h, w] = map.dims;
  if (pixels) return guidedImage(pixels.data, w, h);
  return overlay({ width, height, data }, { width, height, data: upsample(map.data, [h, w], [height, width]) });
}

async function drawRow(columns, shown) {
  const row = { label: "", detail: [], cells: await Promise.all(shown.map(encodePng)) };
  return rasterise(panel({ columns, rows: [row] }), { scale: 2 });
}

/** Twelve scenes of gradcam/scenes, at their pixels enlarged. */
async function scenesPicture() {
  const [columns, rows, gap, edge] = [6, 2, 4, 192];
  const tiles = Array.from({ length: columns * rows }, async (_, seed) => {
    const { width, height, data } = paint(makeScene(seed)).picture;
    const tile = sharp(data, { raw: { width, height, channels: 3 } }).resize(edge, edge, { kernel: "nearest" });
    const [left, top] = [seed % columns, Math.floor(seed / columns)].map((place) => place * (edge + gap));
    return { input: await tile.png().toBuffer(), left, top };
  });
  const [across, down] = [columns, rows].map((count) => count * (edge + gap) - gap);
  const sheet = sharp({ create: { width: across, height: down, channels: 3, background: "white" } });
  return sheet
    .composite(await Promise.all(tiles))
    .png()
    .toBuffer();
}

/** The part of the picture that the crop leaves, at twice the network's resolution. */
async function seenByTheNetwork({ geometry }) {
  const { left, top, scaleX, scaleY, input } = geometry;
  const part = { left, top, width: input.width * scaleX, height: input.height * scaleY };
  const whole = Object.fromEntries(Object.entries(part).map(([side, pixels]) => [side, Math.round(pixels)]));
  return decode(
    await sharp(photo)
      .extract(whole)
      .resize(2 * input.width, 2 * input.height)
      .png()
      .toBuffer(),
  );
}

async function readmePanel() {
  const directory = await mkdtemp(path.join(tmpdir(), "gradcam-"));
  const why = await model.explain(photo, { classes, method: ["grad-cam", "guided-grad-cam"] });
  const caption = `Model ${model.classifier.name}, layer ${model.classifier.explainer.layers[0].name}`;
  const written = await writeWhy(why, { directory, stem: "cat-and-cup", colormap: "inferno", caption });
  const bytes = await readFile(path.join(directory, written.panel));
  await rm(directory, { recursive: true });
  return bytes;
}

async function save(name, png) {
  const file = path.join(pictures, `${name}.png`);
  const background = "white";
  const trimmed = await sharp(png).flatten({ background }).trim().toBuffer();
  const smaller = sharp(trimmed)
    .resize({ width: methods.some((method) => method.name === name) ? widths.method : widths.other })
    .extend({ top: margin, bottom: margin, left: margin, right: margin, background });
  let bytes;
  for (const colours of [256, 192, 128, 96, 64, 48, 32, 24, 16]) {
    bytes = await smaller.clone().png({ palette: true, colours, dither: 0.5, effort: 10 }).toBuffer();
    if (bytes.length <= most) break;
  }
  await writeFile(file, bytes);
  console.log(path.relative(root, file));
}
