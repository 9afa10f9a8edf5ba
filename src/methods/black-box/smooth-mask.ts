/** @file A smooth mask (Fong et al. 2019, arXiv 1910.08485, section 3.2), and its steps towards a higher score and its area. */
import { product, range } from "../../onnx/dims.ts";

/** Cells along the longest axis, the width of the kernel in cells, how far it reaches, and how near smax is to the maximum. */
const [mostCells, width, reach, coldness] = [32, 3, 4, 20];

/** How far the kernel reaches, if it were 1 as far as that and then 0: the integral over it on one side. */
const around = width * (0.5 + Math.sqrt(Math.PI / 8));

/** How far a step goes towards the area by itself, whatever its weight. */
const pull = 0.2;

/** Values of the mask whose order is a matter of rounding. */
const alike = 1e-6;

/** What a step goes by. */
export interface MaskStep {
  /** The part of the mask that is to be 1. */
  readonly area: number;
  readonly weight: number;
  readonly momentum: number;
}

/** A cell of the mask, and how near it is. */
interface Near {
  readonly cell: number;
  readonly kernel: number;
}

export class SmoothMask {
  /** What the mask is made of, a value of 0 to 1 for each cell; all is shown at first. */
  readonly parameters: Float64Array;
  readonly #along: readonly number[];
  readonly #near: readonly (readonly Near[])[];
  readonly #velocity: Float64Array;
  /** What a parameter adds to all cells together where all are 1: less at the border, which would be the last to go for that alone. */
  readonly #influence: Float64Array;

  /** @param grid of the picture */
  constructor(private readonly grid: readonly number[]) {
    const side = Math.max(1, Math.max(...grid) / mostCells);
    this.#along = grid.map((length) => Math.ceil(length / side));
    this.parameters = new Float64Array(product(this.#along)).fill(1);
    this.#velocity = new Float64Array(this.parameters.length);
    this.#near = nearOnes(this.#along);
    const all = this.smooth();
    this.#influence = this.#atParameters(all, new Float64Array(all.length).fill(1));
  }

  /** How far each cell is shown: the smooth maximum of the parameters around it. */
  smooth(): Float64Array {
    return Float64Array.from(this.#near, (near) => {
      let [sum, total] = [0, 0];
      for (const { cell, kernel } of near) {
        const value = kernel * this.parameters[cell];
        const weight = Math.exp(coldness * value);
        sum += weight * value;
        total += weight;
      }
      return sum / total;
    });
  }

  /** Middles of balls that lie evenly over the mask, about so many, in cells. */
  middles(count: number): number[][] {
    const each = count ** (1 / this.grid.length);
    return this.#along.reduce<number[][]>(
      (all, cells) => {
        const places = Math.min(cells, Math.max(1, Math.round(each)));
        return all.flatMap((one) => range(places).map((i) => [...one, ((i + 0.5) * cells) / places - 0.5]));
      },
      [[]],
    );
  }

  /** Shows a ball of about an area, and nothing else: the kernel adds something all around. */
  showBall(middle: readonly number[], area: number): void {
    const distances = range(this.parameters.length).map((cell) => {
      let [rest, square] = [cell, 0];
      for (let axis = this.#along.length - 1; axis >= 0; axis--) {
        square += ((rest % this.#along[axis]) - middle[axis]) ** 2;
        rest = Math.floor(rest / this.#along[axis]);
      }
      return Math.sqrt(square);
    });
    const sorted = distances.toSorted((a, b) => a - b);
    const outer = sorted[Math.max(1, Math.floor(area * sorted.length)) - 1];
    const radius = Math.max(sorted[0], outer - around) + 1e-6;
    for (const [cell, distance] of distances.entries()) this.parameters[cell] = distance <= radius ? 1 : 0;
  }

  /** How far each place of the picture is shown, 0 to 1: linear between the middles of cells. */
  shown(): Float64Array {
    return this.grid.reduce((values, length, axis) => this.#enlarged(values, axis, length, false), this.smooth());
  }

  /** A step up the gradient of the score with respect to how far each place is shown. */
  advance(gradient: Float64Array, { area, weight, momentum }: MaskStep): void {
    const smooth = this.smooth();
    const ofScore = range(this.grid.length).reduceRight(
      (values, axis) => this.#enlarged(values, axis, this.grid[axis], true),
      gradient,
    );
    const ofArea = towardsArea(smooth, area);
    const up = this.#atParameters(
      smooth,
      ofScore.map((value, c) => value + weight * ofArea[c]),
    );
    // A gradient of a mean over cells is the smaller the more of them there are.
    const rate = (pull * up.length) / (2 * weight);
    for (let c = 0; c < up.length; c++) {
      this.#velocity[c] = momentum * this.#velocity[c] + ((1 - momentum) * rate * up[c]) / this.#influence[c];
      this.parameters[c] = Math.min(1, Math.max(0, this.parameters[c] + this.#velocity[c]));
    }
  }

  /** The gradient at the parameters of one at the smooth values: d smax / dp = k w (1 + c (k p - smax)), w the share of the cell. */
  #atParameters(smooth: Float64Array, gradient: Float64Array): Float64Array {
    const out = new Float64Array(this.parameters.length);
    for (const [at, near] of this.#near.entries()) {
      const weights = near.map(({ cell, kernel }) => Math.exp(coldness * kernel * this.parameters[cell]));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [i, { cell, kernel }] of near.entries()) {
        const value = kernel * this.parameters[cell];
        out[cell] += ((gradient[at] * kernel * weights[i]) / total) * (1 + coldness * (value - smooth[at]));
      }
    }
    return out;
  }

  /** From cells to places along an axis, the axes in front of which have been enlarged; or the adjoint of it, from places back to cells. */
  #enlarged(values: Float64Array, axis: number, length: number, back: boolean): Float64Array<ArrayBuffer> {
    const cells = this.#along[axis];
    const [before, behind] = [product(this.grid.slice(0, axis)), product(this.#along.slice(axis + 1))];
    const out = new Float64Array(before * behind * (back ? cells : length));
    for (let i = 0; i < length; i++) {
      const place = Math.min(cells - 1, Math.max(0, ((i + 0.5) * cells) / length - 0.5));
      const low = Math.floor(place);
      const high = Math.min(cells - 1, low + 1);
      for (const [cell, part] of [
        [low, 1 - place + low],
        [high, place - low],
      ])
        for (let b = 0; b < before; b++)
          for (let p = 0; p < behind; p++) {
            const [small, large] = [(b * cells + cell) * behind + p, (b * length + i) * behind + p];
            if (back) out[small] += part * values[large];
            else out[large] += part * values[small];
          }
    }
    return out;
  }
}

/** The cells around each, with the kernel. */
function nearOnes(along: readonly number[]): Near[][] {
  const placeOf = (cell: number) => {
    let rest = cell;
    return along.map((_, axis) => {
      const stride = product(along.slice(axis + 1));
      const at = Math.floor(rest / stride);
      rest -= at * stride;
      return at;
    });
  };
  return range(product(along)).map((cell) => {
    const middle = placeOf(cell);
    const spans = middle.map((at, axis) => [Math.max(0, at - reach), Math.min(along[axis] - 1, at + reach)] as const);
    const places = spans.reduce<number[][]>(
      (all, [from, to]) => all.flatMap((one) => range(to - from + 1).map((i) => [...one, from + i])),
      [[]],
    );
    return places.map((place) => {
      const distance = Math.hypot(...place.map((at, axis) => at - middle[axis]));
      const kernel = Math.exp(-2 * Math.max(0, distance / width - 0.5) ** 2);
      return { cell: place.reduce((index, at, axis) => index * along[axis] + at, 0), kernel };
    });
  });
}

/** Up the gradient of -|sort(m) - r|^2 / count: the largest part towards 1, the rest towards 0; values that are alike, all alike. */
export function towardsArea(mask: Float64Array, area: number): Float64Array {
  const count = mask.length;
  const order = range(count).sort((a, b) => mask[a] - mask[b]);
  const zeros = Math.floor(count * (1 - area));
  const out = new Float64Array(count);
  for (let first = 0; first < count; ) {
    let end = first + 1;
    while (end < count && mask[order[end]] - mask[order[first]] < alike) end++;
    const ones = Math.max(0, end - Math.max(first, zeros)) / (end - first);
    for (let r = first; r < end; r++) out[order[r]] = (-2 * (mask[order[r]] - ones)) / count;
    first = end;
  }
  return out;
}
