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

/** Units of the score between the blurred picture and the sharp one: of searches from the whole picture, and of one from a ball. */
const [units, unitOfBall] = [[3, 10], 10];

/** Balls that are tried, and in how many pictures at once. */
const [balls, batch] = [64, 8];

/** A mask on its way. */
interface MaskSearch {
  readonly j: number;
  readonly mask: SmoothMask;
  /** What the score is multiplied with. */
  readonly by: number;
  /** Whether it begins with the area that was asked for. */
  readonly small?: true;
}

/** The mask of every target: the one of the highest score, of searches from the whole picture and from the best ball, and that ball. */
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
    const scale = ends.map(([dull, sharp]) => 1 / (Math.abs(sharp - dull) || 1));
    const scoresOf = (masks: readonly SmoothMask[]) =>
      respond(i, together(masks.map((mask) => perturbed(pyramid, mask.shown()))));
    const best = await bestBalls(grid, Number(area), k, scoresOf, () => progress(i / n));
    // Each target has masks of its own; those of a picture go side by side.
    const searches = scale.flatMap((by, j): MaskSearch[] => [
      ...units.map((unit) => ({ j, mask: new SmoothMask(grid), by: unit * by })),
      { j, mask: ballAt(grid, best[j], Number(area)), by: unitOfBall * by, small: true },
    ]);
    const targets = searches.map(({ j }) => j);
    for (const step of range(steps)) {
      progress((i * steps + step) / (n * steps));
      const shown = searches.map(({ mask }) => mask.shown());
      const seen = together(shown.map((mask) => perturbed(pyramid, mask)));
      const { data: gradients } = await atInputs(i, seen, "plain", targets);
      const weight = firstWeight * (lastWeight / firstWeight) ** (step / steps);
      const shrunk = Number(area) ** Math.min(1, (step + 1) / (shrinking * steps));
      for (const [s, { mask, by, small }] of searches.entries()) {
        const gradient = gradients.subarray(s * picture.data.length, (s + 1) * picture.data.length);
        mask.advance(atMask(pyramid, shown[s], gradient, by), {
          area: small ? Number(area) : shrunk,
          weight,
          momentum,
        });
      }
    }
    const masks = [...searches.map(({ mask }) => mask), ...best.map((middle) => ballAt(grid, middle, Number(area)))];
    const scores = await scoresOf(masks);
    for (const j of range(k)) {
      const own = [...targets, ...range(k)].flatMap((target, m) => (target === j ? [m] : []));
      const highest = own.reduce((one, other) => (scores[j][other] > scores[j][one] ? other : one));
      maps.set(masks[highest].shown(), (i * k + j) * places);
    }
  }
  progress(1);
  return { maps: { data: maps, dims: [n * k, ...grid] } };
}

function ballAt(grid: readonly number[], middle: readonly number[], area: number): SmoothMask {
  const mask = new SmoothMask(grid);
  mask.showBall(middle, area);
  return mask;
}

/** The middle of the ball that has the highest score for each target. */
async function bestBalls(
  grid: readonly number[],
  area: number,
  k: number,
  scoresOf: (masks: readonly SmoothMask[]) => Promise<Float32Array[]>,
  before: () => void,
): Promise<number[][]> {
  const middles = new SmoothMask(grid).middles(balls);
  const scores = range(k).map((): number[] => []);
  for (let first = 0; first < middles.length; first += batch) {
    before();
    const some = await scoresOf(middles.slice(first, first + batch).map((middle) => ballAt(grid, middle, area)));
    for (const j of range(k)) scores[j].push(...some[j]);
  }
  return scores.map((own) => middles[own.indexOf(Math.max(...own))]);
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
