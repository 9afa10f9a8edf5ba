/** @file Seeded draws: the same seed, the same graph or file. */
import { randomNormal, uniformFrom } from "../../src/array/random.ts";
import { product } from "../../src/onnx/dims.ts";

export class Draw {
  readonly #normal: (count: number) => Float32Array;
  /** In [0, 1). */
  readonly uniform: () => number;

  constructor(seed: number) {
    this.uniform = uniformFrom(Math.imul(seed + 1, 0x9e3779b1));
    this.#normal = randomNormal(seed);
  }

  /** A whole number from low to high, both included. */
  int = (low: number, high: number): number => low + Math.floor(this.uniform() * (high - low + 1));
  chance = (probability: number): boolean => this.uniform() < probability;
  pick = <T>(list: readonly T[]): T => list[this.int(0, list.length - 1)];

  /** Some elements, in random order. */
  sample<T>(list: readonly T[], count: number): T[] {
    const rest = [...list];
    return Array.from({ length: Math.min(count, list.length) }, () => rest.splice(this.int(0, rest.length - 1), 1)[0]);
  }

  /** Normally distributed numbers, as many as a tensor of these dims holds. */
  normal(dims: readonly number[], scale = 1): number[] {
    return Array.from(this.#normal(product(dims)), (v) => v * scale);
  }
}

/** The draw of a graph's feeds: other numbers than its constants, or the two would tie. */
export const feedDraw = (seed: number): Draw => new Draw(seed ^ 0x55555555);
