/**
 * @file Why an espresso, rather than an Egyptian cat? The gradient of the difference of two scores, and of a score's opposite.
 *
 *     node examples/compare-two-classes.mjs
 */
import { fileURLToPath } from "node:url";
import { load } from "gradcam/node";

const photo = fileURLToPath(new URL("images/cat-and-cup.jpg", import.meta.url));
const model = await load();

const questions = [
  { classes: ["espresso"] },
  { classes: ["espresso"], against: "Egyptian cat" },
  { classes: ["espresso"], counterfactual: true },
];
for (const ask of questions) {
  const { explanations } = await model.explain(photo, ask);
  const [{ question, onPicture, peak }] = explanations;
  console.log(`${question}:`);
  console.log(
    `  ${percentRight(onPicture)} of the evidence on the right half, where the cup is; most at x ${peak.x}, y ${peak.y}`,
  );
}
await model.release();

/** The share of a map that lies on the right half of the picture; where the network did not look it is NaN. */
function percentRight({ data, width }) {
  let [right, all] = [0, 0];
  data.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    all += value;
    if (i % width >= width / 2) right += value;
  });
  return `${((100 * right) / all).toFixed(0)} %`;
}
