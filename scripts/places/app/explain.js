/** @file What page and worker ask: the bundled model, served beside the page, of the picture of cat and cup. */
import { load } from "gradcam/web";

export async function explain(base, session) {
  const model = await load(`${base}models/efficientnet-lite0/`, { cache: false, session });
  const picture = await (await fetch(`${base}cat-and-cup.jpg`)).blob();
  const { explanations } = await model.explain(picture, { classes: ["espresso"] });
  await model.release();
  const [{ peak, map }] = explanations;
  return { peak, sum: map.data.reduce((sum, value) => sum + value, 0) };
}

/** Of load() without a source: that it works, or what it says. */
export const withoutSource = () =>
  load(undefined, { cache: false }).then(
    async (model) => {
      await model.release();
      return "opens";
    },
    (error) => error.message,
  );

/** The binaries of ONNX Runtime that were fetched here, and their sizes. */
export const runtimes = () =>
  performance
    .getEntriesByType("resource")
    .filter(({ name }) => /\.wasm$/.test(new URL(name).pathname))
    .map(({ name, decodedBodySize }) => `${name.split("/").at(-1)} ${(decodedBodySize / 1e6).toFixed(1)} MB`);

export const failure = (error) => ({ error: `${error.name} ${error.code ?? ""}: ${error.message}` });
