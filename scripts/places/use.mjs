/** @file What every runtime and installer runs: node use.mjs PICTURE; prints what Grad-CAM finds, as JSON. */
import { load } from "gradcam/node";

const model = await load();
const { explanations } = await model.explain(process.argv[2], { classes: ["espresso"] });
await model.release();
const [{ peak, map }] = explanations;
console.log(JSON.stringify({ peak, sum: map.data.reduce((sum, value) => sum + value, 0) }));
