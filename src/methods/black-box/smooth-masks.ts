/** @file The search for an extremal perturbation: gradient steps on a smooth mask, and the picture that is blurred where it is hidden. */
import { present } from "../../errors.ts";
import { product, range } from "../../onnx/dims.ts";
import { blurred } from "../gradient/blur.ts";
import { type Picture, picturesOf } from "../gradient/steps.ts";
import type { Explanation, Question } from "../method.ts";
import { SmoothMask } from "./smooth-mask.ts";

/** Blurs of a picture, the strongest first and the picture itself last; the strongest in parts of the longest side. */
const [levels, strongest] = [8, 0.09];

/** The weight of the area, at the first step and at the last, and how much of a step the one before has. */
const [firstWeight, lastWeight, momentum] = [2.5, 2500, 0.8];

/** The area shrinks from all to what was asked for during this part of the steps: so it is the least important places that go. */
const shrinking = 0.6;

/** Units of the score between the blurred picture and the sharp one, a search each. */
const units = [3, 10, 30];

/** The mask of every target: of searches that differ in the weight of the score the one that ends with the highest score. */
export async function extremalMasks(question: Question): Promise<Explanation> {
  const { image, k, options, atInputs, respond, progress } = question;
  const { steps, area } = options;
  const [n = 0, , ...grid] = image.dims;
  const places = product(grid);
  const maps = new Float32Array(n * k * places);
  for (const [i, picture] of picturesOf(question).entries()) {
    const pyramid = pyramidOf(picture);
    const together = (pictures: readonly Float32Array[]) => {
      const data = new Float32Array(pictures.length * picture.data.length);
      for (const [v, one] of pictures.entries()) data.set(one, v * picture.data.length);
      return { data, dims: [pictures.length, ...picture.dims] };
    };
    const ends = await respond(i, together([present(pyramid[0], "a blur"), picture.data]));
    // Each target has masks of its own; those of a picture go side by side.
    const searches = ends.flatMap(([dull, sharp], j) =>
      units.map((unit) => ({ j, mask: new SmoothMask(grid), by: unit / (Math.abs(sharp - dull) || 1) })),
    );
    const targets = searches.map(({ j }) => j);
    const shownNow = () => searches.map(({ mask }) => mask.shown());
    for (const step of range(steps)) {
      progress((i * steps + step) / (n * steps));
      const shown = shownNow();
      const seen = together(shown.map((mask) => perturbed(pyramid, mask)));
      const { data: gradients } = await atInputs(i, seen, "plain", targets);
      const weight = firstWeight * (lastWeight / firstWeight) ** (step / steps);
      const shrunk = Number(area) ** Math.min(1, (step + 1) / (shrinking * steps));
      for (const [s, { mask, by }] of searches.entries()) {
        const gradient = gradients.subarray(s * picture.data.length, (s + 1) * picture.data.length);
        mask.advance(atMask(pyramid, shown[s], gradient, by), { area: shrunk, weight, momentum });
      }
    }
    const shown = shownNow();
    const scores = await respond(i, together(shown.map((mask) => perturbed(pyramid, mask))));
    for (const j of range(k)) {
      const own = targets.flatMap((target, s) => (target === j ? [s] : []));
      const best = own.reduce((one, other) => (scores[j][other] > scores[j][one] ? other : one));
      maps.set(shown[best], (i * k + j) * places);
    }
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
