/** @file The search for an extremal perturbation: gradient steps on a smooth mask, and the picture that is blurred where it is hidden. */
import { product, range } from "../../onnx/dims.ts";
import { blurred } from "../gradient/blur.ts";
import { type Picture, picturesOf } from "../gradient/steps.ts";
import type { Explanation, Question } from "../method.ts";
import { SmoothMask } from "./smooth-mask.ts";

/** Blurs of a picture, the strongest first and the picture itself last; the strongest in parts of the longest side. */
const [levels, strongest] = [8, 0.09];

/** The weight of the area, at the first step and at the last, and how far all steps together go. */
const [firstWeight, lastWeight, way, momentum] = [30, 4800, 8, 0.9];

/** Units of the score between the blurred picture and the sharp one. */
const unit = 10;

export async function extremalMasks(question: Question): Promise<Explanation> {
  const { image, k, options, atInputs, respond, progress } = question;
  const { steps, area } = options;
  const [n = 0, , ...grid] = image.dims;
  const places = product(grid);
  const maps = new Float32Array(n * k * places);
  for (const [i, picture] of picturesOf(question).entries()) {
    const pyramid = pyramidOf(picture);
    const ends = new Float32Array(2 * picture.data.length);
    ends.set(pyramid[0]);
    ends.set(picture.data, picture.data.length);
    const units = (await respond(i, { data: ends, dims: [2, ...picture.dims] })).map(
      ([dull, sharp]) => unit / (Math.abs(sharp - dull) || 1),
    );
    // Each target has a mask of its own; those of a picture go side by side.
    const masks = range(k).map(() => new SmoothMask(grid));
    for (const step of range(steps)) {
      progress((i * steps + step) / (n * steps));
      const shown = masks.map((mask) => mask.shown());
      const data = new Float32Array(k * picture.data.length);
      for (const j of range(k)) data.set(perturbed(pyramid, shown[j]), j * picture.data.length);
      const { data: gradients } = await atInputs(i, { data, dims: [k, ...picture.dims] }, "plain", range(k));
      const weight = firstWeight * (lastWeight / firstWeight) ** (step / steps);
      for (const [j, mask] of masks.entries()) {
        const gradient = gradients.subarray(j * picture.data.length, (j + 1) * picture.data.length);
        mask.advance(atMask(pyramid, shown[j], gradient, units[j]), {
          area: Number(area),
          weight,
          rate: way / steps,
          momentum,
        });
      }
    }
    for (const [j, mask] of masks.entries()) maps.set(mask.shown(), (i * k + j) * places);
  }
  progress(1);
  return { maps: { data: maps, dims: [n * k, ...grid] } };
}

const pyramidOf = (picture: Picture): Float32Array[] =>
  range(levels).map((level) =>
    blurred(picture, strongest * Math.max(...picture.dims.slice(1)) * (1 - level / (levels - 1)), "border"),
  );

/** Between which two blurs a place is, and how near to the sharper one. */
function between(shown: number): readonly [lower: number, part: number] {
  const at = shown * (levels - 1);
  const lower = Math.min(levels - 2, Math.floor(at));
  return [lower, at - lower];
}

/** The picture, blurred as far as it is hidden. */
function perturbed(pyramid: readonly Float32Array[], shown: Float64Array): Float32Array {
  return pyramid[0].map((_, v) => {
    const [lower, part] = between(shown[v % shown.length]);
    return (1 - part) * pyramid[lower][v] + part * pyramid[lower + 1][v];
  });
}

/** The gradient of the score with respect to how far each place is shown. */
function atMask(
  pyramid: readonly Float32Array[],
  shown: Float64Array,
  gradient: Float32Array,
  by: number,
): Float64Array {
  const out = new Float64Array(shown.length);
  for (let v = 0; v < gradient.length; v++) {
    const [lower] = between(shown[v % shown.length]);
    out[v % shown.length] += by * gradient[v] * (levels - 1) * (pyramid[lower + 1][v] - pyramid[lower][v]);
  }
  return out;
}
