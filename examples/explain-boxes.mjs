/**
 * @file What did the detector find, and where is the evidence for each box? A scene in, an overlay with all boxes out.
 *
 *     node examples/explain-boxes.mjs
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { drawBoxes, encodePng, load, overlay } from "gradcam/node";
import { makeScene, paint } from "gradcam/scenes";

const model = await load(fileURLToPath(new URL("../models/scenes-detector", import.meta.url))); // load("yolo11n.onnx") opens your own
const { picture } = paint(makeScene(17), 224);
const why = await model.explain(picture, { targets: ["box:top2", "not:box:0"] });

for (const { index, label, score, box } of why.detections)
  console.log(`box ${index}: ${label}, score ${score.toFixed(2)}, at ${box.map(Math.round).join(", ")}`);
for (const { question, peak, blank } of why.explanations)
  console.log(
    blank ? `${question}: ${blank}` : `${question}: most evidence at x ${Math.round(peak.x)}, y ${Math.round(peak.y)}`,
  );

const [first] = why.explanations;
const marks = why.detections.map(({ box, label, score, index }) => ({
  box,
  label,
  value: score.toFixed(2),
  faint: index !== 0,
}));
await writeFile("boxes.png", await encodePng(drawBoxes(overlay(why.picture, first.onPicture), marks)));
console.log("the first of them is drawn in boxes.png");
await model.release();
