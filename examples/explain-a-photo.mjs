/**
 * @file Which pixels made the network say what it says? A photo in, its overlay out.
 *
 *     node examples/explain-a-photo.mjs [PHOTO]
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { encodePng, load, overlay } from "gradcam/node";

const photo = process.argv[2] ?? fileURLToPath(new URL("images/cat-and-cup.jpg", import.meta.url));

const model = await load(); // the bundled classifier; load("resnet50.onnx") opens your own
const why = await model.explain(photo, { classes: ["top2"] }); // by Grad-CAM

for (const { label, score, probability } of why.predictions)
  console.log(`${label.padEnd(14)} score ${score.toFixed(1)}, probability ${(100 * probability).toFixed(0)} %`);

for (const { label, onPicture, peak, blank } of why.explanations) {
  if (blank) {
    console.log(`\n${label}: ${blank}`);
    continue;
  }
  const file = `${label}.png`;
  await writeFile(file, await encodePng(overlay(why.picture, onPicture)));
  console.log(`\n${label}: most evidence at x ${peak.x}, y ${peak.y}; see ${file}`);
}
await model.release();
