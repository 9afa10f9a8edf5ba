/**
 * Explains by a method that the package does not have: Grad-CAM without its rectifier, which keeps what speaks against the class.
 *
 *     node examples/your-own-method.mjs
 */
import { fileURLToPath } from "node:url";
import { byImage, flatGrid, layerMethod, load } from "gradcam/node";

const signedCam = layerMethod(
  (parts) => parts.build.matMul(byImage(parts, parts.build.reduceMean(parts.da, parts.grid)), flatGrid(parts)),
  { name: "signed-cam", title: "Signed CAM", summary: "Grad-CAM without its rectifier.", paper: "" },
);

const photo = fileURLToPath(new URL("images/cat-and-cup.jpg", import.meta.url));
const model = await load();
const { explanations } = await model.explain(photo, { classes: ["espresso"], method: [signedCam, "grad-cam"] });
for (const { methodTitle, question, map } of explanations)
  console.log(
    `${methodTitle}, ${question}: ${Math.min(...map.data).toFixed(2)} to ${Math.max(...map.data).toFixed(2)}`,
  );
await model.release();
