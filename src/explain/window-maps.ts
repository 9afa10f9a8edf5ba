/** @file Maps of many questions, each about one cell of a head: the windows that the cells see, as pictures of one batch. */
import type { Dense } from "../array/dense.ts";
import { present } from "../errors.ts";
import { range } from "../onnx/dims.ts";
import type { Runtime, Tensor } from "../onnx/runtime.ts";
import { toTensor } from "../onnx/tensors.ts";
import { type AdjointSession, ask } from "./adjoint-session.ts";
import { placedAt, type Sight } from "./window.ts";

/** What is known of the tensor that is seeded, and of the run. */
export interface Windowed {
  readonly type: string;
  readonly channels: number;
  /** A tensor of the run. */
  readonly of: (name: string) => Tensor;
}

/**
 * @param questions sums of elements of one cell each
 * @returns [questions, rows, columns] of the whole grid, 0 beyond the windows
 */
export async function windowMaps(
  ort: Runtime,
  { sight, session }: { readonly sight: Sight; readonly session: AdjointSession },
  questions: readonly { readonly sum: readonly { readonly place: number; readonly weight: number }[] }[],
  { type, channels, of }: Windowed,
): Promise<Dense> {
  const [height, width] = sight.grid;
  const cells = height * width;
  const maps = new Float32Array(questions.length * cells);
  const windows = questions.map(({ sum }) => {
    const [{ place } = { place: 0 }] = sum;
    const cell = place % cells;
    return placedAt(sight, [Math.floor(cell / width), cell % width]);
  });
  const kept = Object.fromEntries(session.residuals.map((name) => [name, cutOut(ort, of(name), windows)]));
  const [rows, columns] = [windows[0]?.[0].length ?? 0, windows[0]?.[1].length ?? 0];
  const seed = new Float32Array(questions.length * channels * rows * columns);
  questions.forEach(({ sum }, q) => {
    const [down, across] = present(windows[q], "a window");
    for (const { place, weight } of sum) {
      const [channel, cell] = [Math.floor(place / cells), place % cells];
      const [y, x] = [Math.floor(cell / width) - down.from, (cell % width) - across.from];
      const at = ((q * channels + channel) * rows + y) * columns + x;
      seed[at] = (seed[at] ?? 0) + weight;
    }
  });
  const given = toTensor(ort, { data: seed, dims: [questions.length, channels, rows, columns] }, type);
  const { answer } = await ask(session, kept, [given]);
  questions.forEach((_, q) => {
    const [down, across] = present(windows[q], "a window");
    for (let y = 0; y < rows; y++) {
      const from = (q * rows + y) * columns;
      maps.set(answer.data.subarray(from, from + columns), q * cells + (down.from + y) * width + across.from);
    }
  });
  return { data: maps, dims: [questions.length, height, width] };
}

/** The windows of the first picture of a tensor [n, C, height, width], as pictures of a batch. */
function cutOut(ort: Runtime, tensor: Tensor, windows: readonly ReturnType<typeof placedAt>[]): Tensor {
  const [, channels = 1, height = 1, width = 1] = tensor.dims;
  const source = tensor.data as Float32Array;
  const [down, across] = present(windows[0], "a window");
  const [rows, columns] = [down.length, across.length];
  const data = new (source.constructor as Float32ArrayConstructor)(windows.length * channels * rows * columns);
  let to = 0;
  for (const [vertical, horizontal] of windows)
    for (const c of range(channels))
      for (const y of range(rows)) {
        const from = (c * height + vertical.from + y) * width + horizontal.from;
        data.set(source.subarray(from, from + columns), to);
        to += columns;
      }
  return new ort.Tensor(tensor.type as "float32", data, [windows.length, channels, rows, columns]);
}
