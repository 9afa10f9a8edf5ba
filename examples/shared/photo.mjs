/** @file The bundled model's bytes, and the bundled picture as that model takes it, for examples that feed tensors themselves. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { bundledModel } from "gradcam/node";
import sharp from "sharp";

export const modelBytes = new Uint8Array(await readFile(path.join(bundledModel, "onnx/model.onnx")));

/** Class names, in order. */
const config = JSON.parse(await readFile(path.join(bundledModel, "config.json"), "utf8"));
export const labels = Object.values(config.id2label);

/** The central square as float32 [1, 3, 224, 224], red, green and blue planes, (x / 255 - 0.498) / 0.502. */
export async function photoTensor(ort) {
  const photo = new URL("../images/cat-and-cup.jpg", import.meta.url);
  const pixels = await sharp(await readFile(photo))
    .resize(224, 224, { fit: "cover" })
    .raw()
    .toBuffer();
  const plane = 224 * 224;
  const data = Float32Array.from({ length: 3 * plane }, (_, i) => {
    const [channel, place] = [Math.floor(i / plane), i % plane];
    return (pixels[place * 3 + channel] / 255 - 0.498) / 0.502;
  });
  return new ort.Tensor("float32", data, [1, 3, 224, 224]);
}
