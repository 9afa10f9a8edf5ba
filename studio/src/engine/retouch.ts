/**
 * @file The brush, on the network's input: what is erased becomes the mean colour (0 after normalisation, as occlusion has it), what is
 * blurred loses its detail. The rest stays as it is to the last bit.
 */
import type { Preprocess, Preprocessed } from "gradcam/web";
import type { Brush, Stroke } from "./contract.ts";

export const codes = { restore: 0, erase: 1, blur: 2 } as const satisfies Record<Brush, number>;

export class Retouch {
  readonly #mask: Uint8Array;
  #blurred: Float32Array | undefined;
  readonly #width: number;
  readonly #height: number;

  constructor(
    private readonly whole: Preprocessed,
    private readonly how: Preprocess,
  ) {
    const { width, height } = whole.geometry.input;
    [this.#width, this.#height] = [width, height];
    this.#mask = new Uint8Array(width * height);
  }

  paint({ dabs, brush }: Stroke): void {
    for (const { x, y, radius } of dabs) {
      const bottom = Math.min(this.#height - 1, Math.floor(y + radius));
      for (let row = Math.max(0, Math.ceil(y - radius)); row <= bottom; row++) {
        const half = Math.sqrt(radius ** 2 - (row - y) ** 2);
        const [from, to] = [Math.max(0, Math.ceil(x - half)), Math.min(this.#width - 1, Math.floor(x + half))];
        if (from <= to) this.#mask.fill(codes[brush], row * this.#width + from, row * this.#width + to + 1);
      }
    }
  }

  /** What was painted: a byte for each pixel of the input, row by row, 0 where it is as it was; undefined where all is. */
  get mask(): Uint8Array | undefined {
    return this.#mask.some((code) => code > 0) ? this.#mask : undefined;
  }

  /** The input with what was painted. */
  get input(): Preprocessed {
    const data = this.whole.data.slice();
    if (!this.mask) return { ...this.whole, data };
    this.#blurred ??= this.#blur();
    const [pixel, channel] = this.#steps;
    for (let p = 0; p < this.#mask.length; p++)
      for (let c = 0; this.#mask[p] && c < this.how.channels; c++) {
        const at = p * pixel + c * channel;
        data[at] = this.#mask[p] === codes.erase ? 0 : this.#blurred[at];
      }
    return { ...this.whole, data };
  }

  /** What was painted, as the network sees it; clear elsewhere. */
  patch(input: Preprocessed): ImageData {
    return toPixels(input, this.how, this.#mask);
  }

  get #steps(): readonly [pixel: number, channel: number] {
    return this.how.layout === "NCHW" ? [1, this.#mask.length] : [this.how.channels, 1];
  }

  /** Three box filters one after another are nearly a Gaussian; sums run along the rows, then along the columns. */
  #blur(): Float32Array {
    const [pixel, channel] = this.#steps;
    const radius = Math.max(2, Math.round(Math.min(this.#width, this.#height) / 28));
    const out = this.whole.data.slice();
    for (let c = 0; c < this.how.channels; c++)
      for (let pass = 0; pass < 3; pass++) {
        for (let y = 0; y < this.#height; y++)
          boxFilter(out, c * channel + y * this.#width * pixel, pixel, this.#width, radius);
        for (let x = 0; x < this.#width; x++)
          boxFilter(out, c * channel + x * pixel, this.#width * pixel, this.#height, radius);
      }
    return out;
  }
}

/** In place, the border repeated. */
function boxFilter(data: Float32Array, from: number, step: number, length: number, radius: number): void {
  const line = Float32Array.from({ length }, (_, i) => data[from + i * step]);
  const at = (i: number) => line[Math.min(length - 1, Math.max(0, i))];
  let sum = 0;
  for (let i = -radius; i <= radius; i++) sum += at(i);
  for (let i = 0; i < length; i++) {
    data[from + i * step] = sum / (2 * radius + 1);
    sum += at(i + radius + 1) - at(i - radius);
  }
}

/** A network's input as a picture: normalisation undone; clear where the mask is 0. */
export function toPixels({ data, geometry }: Preprocessed, how: Preprocess, mask?: Uint8Array): ImageData {
  const { width, height } = geometry.input;
  const { channels, layout, order, mean, std, scale } = how;
  const out = new ImageData(width, height);
  const [pixel, channel] = layout === "NCHW" ? [1, width * height] : [channels, 1];
  for (let p = 0; p < width * height; p++) {
    for (let colour = 0; colour < 3; colour++) {
      const c = channels === 1 ? 0 : order === "BGR" ? 2 - colour : colour;
      out.data[p * 4 + colour] = (data[p * pixel + c * channel] * std[c] + mean[c]) / scale;
    }
    out.data[p * 4 + 3] = !mask || mask[p] ? 255 : 0;
  }
  return out;
}
