/** @file A network in half precision, input and output too, beside the same in single precision. */
import { openExplainer } from "gradcam";

const pixels = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(i * i));

/** The bits of a number between 2^-14 and 1, rounded to nearest. */
function bits(value) {
  const size = Math.abs(value);
  if (size < 2 ** -14) return 0;
  const exponent = Math.floor(Math.log2(size));
  return (value < 0 ? 0x8000 : 0) + ((exponent + 15) << 10) + Math.round((size / 2 ** exponent - 1) * 1024);
}

async function map(ort, bytes, input, method) {
  const explainer = await openExplainer(ort, bytes, { session: { intraOpNumThreads: 1 } });
  const { maps } = await explainer.explain({ input }, { target: 1, method });
  await explainer.release();
  return Array.from(maps.data);
}

/** How far the maps of the two files are apart, as a finding. */
export async function halfPrecision(ort, halfBytes, floatBytes) {
  const dims = [1, 3, 32, 32];
  let worst = 0;
  for (const method of ["grad-cam", "gradient"]) {
    const half = await map(ort, halfBytes, new ort.Tensor("float16", Uint16Array.from(pixels, bits), dims), method);
    const float = await map(ort, floatBytes, new ort.Tensor("float32", pixels, dims), method);
    const scale = Math.max(...float.map(Math.abs));
    worst = Math.max(worst, ...half.map((value, i) => Math.abs(value - float[i]) / scale));
  }
  return { said: `maps in half precision are ${worst.toFixed(4)} of their scale apart`, right: worst < 0.02 };
}
