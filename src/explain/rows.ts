/** @file Many questions in few runs. */
import type { Dense } from "../array/dense.ts";
import { throwIfAborted } from "../errors.ts";
import { interleave } from "../onnx/tensors.ts";

/** In the backward pass all that is asked in one run takes this at most, or what one question about every picture takes. */
const mostBytes = 128e6;

/** Rows of a run for which there is memory. */
export const rowsFor = (rowBytes: number): number => Math.max(1, Math.floor(mostBytes / rowBytes));

export interface Runs {
  /** Pictures. */
  readonly n: number;
  /** Questions about each. */
  readonly k: number;
  /** Whether one run keeps questions apart. */
  readonly together: boolean;
  /** Rows of a run at most. */
  readonly maxRows: number;
  readonly signal?: AbortSignal;
}

/**
 * Answers n k questions, rows in the order of the pictures: so many of every picture in one run.
 * @param answer some of the rows, by their index
 * @returns [n k, ...]
 */
export async function inRuns(
  { n, k, together, maxRows, signal }: Runs,
  answer: (isAsked: (row: number) => boolean) => Promise<Dense>,
): Promise<Dense> {
  const step = together ? Math.max(1, Math.floor(maxRows / n)) : 1;
  const answers: Dense[] = [];
  for (let first = 0; first < k; first += step) {
    throwIfAborted(signal);
    answers.push(await answer((row) => row % k >= first && row % k < first + step));
  }
  return interleave(answers, n);
}

/** Each row so many times, side by side. */
export function repeated({ data, dims: [n = 1, ...dims] }: Dense, times: number): Dense {
  const size = data.length / n;
  const all = new Float32Array(data.length * times);
  for (let row = 0; row < n * times; row++) {
    const from = Math.floor(row / times) * size;
    all.set(data.subarray(from, from + size), row * size);
  }
  return { data: all, dims: [n * times, ...dims] };
}
