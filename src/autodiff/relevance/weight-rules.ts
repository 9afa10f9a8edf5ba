/**
 * @file How an operator with weights, z = W x + b, gives the relevance R of its outputs to its inputs (Bach et al. 2015,
 * doi 10.1371/journal.pone.0130140; the names of Montavon et al. 2019, doi 10.1007/978-3-030-28954-6_10).
 *
 *   epsilon       R_i = x_i sum_j w_ij R_j / (z_j +- e)
 *   alpha-beta    R_i = sum_j (a (x_i w_ij)+ / sum+ - (a - 1) (x_i w_ij)- / sum-) R_j,    z+ is a = 1
 *   gamma         as epsilon, with the contributions of the sign of z_j weighed 1 + g
 *   flat          R_i = sum_j R_j / (inputs of j);  w-square, box: of the layer that reads the picture
 */
import type { Builder, Value } from "../../onnx/build.ts";
import type { Call } from "../../ops/op.ts";
import { isPositive } from "./neighbours.ts";
import type { Weighted } from "./weighted.ts";

/** The relevance of what it reads, of the relevance of what it makes. */
export type WeightRule = (c: Call, weighted: Weighted, relevance: Value) => Value;

/** A denominator is kept away from 0 by so much, as in zennit. */
export const stabiliser = 1e-6;

/** z + epsilon where z is not negative, z - epsilon where it is. */
export const stabilised = (build: Builder, z: Value, epsilon: number): Value =>
  epsilon === 0 ? z : build.add(z, build.where(build.less(z, 0), build.floats(-epsilon, [], z.type), epsilon));

/** The parts of a tensor above 0 and below it. */
function signed(build: Builder, v: Value): { positive: Value; negative: Value } {
  const positive = build.relu(v);
  return { positive, negative: build.sub(v, positive) };
}

interface Shared {
  readonly pairs: readonly (readonly [x: Value, w: Value])[];
  readonly bias: Value | undefined;
  readonly relevance: Value;
  /** The sign of all products and the bias, where they have one. */
  readonly sign?: 1 | -1;
  /** Whether nothing may be lost to the stabiliser: a sum of 0 is divided by as 1. */
  readonly whole?: boolean;
}

/** z, with 1 where it is 0; none of it has the other sign. */
export const nonZero = (build: Builder, z: Value, sign: 1 | -1 = 1): Value =>
  build.where(sign > 0 ? build.greater(z, 0) : build.less(z, 0), z, sign);

/** x_i sum_j w_ij R_j / z_j over pairs of inputs and weights, where z is their sum and a bias. */
function shared({ build }: Call, { apply, transposed }: Weighted, asked: Shared): Value {
  const { pairs, bias, relevance, sign, whole } = asked;
  const products = pairs.map(([x, w]) => apply(x, w));
  const z = build.sum(bias ? [...products, bias] : products);
  const kept = sign ? build.add(z, sign * stabiliser) : stabilised(build, z, stabiliser);
  const quotient = build.div(relevance, whole ? nonZero(build, z, sign) : kept);
  return build.sum(pairs.map(([x, w]) => build.mul(x, transposed(quotient, w))));
}

/** An input beside each part of the weights that its own parts meet: none below 0 where it has none. */
function meeting(c: Call, { x }: Weighted, above: Value, below: Value): [Value, Value][] {
  const name = c.inputs.find((input) => c.around.active(input)) ?? "";
  if (isPositive(name, c.around)) return [[x, above]];
  const parts = signed(c.build, x);
  return [
    [parts.positive, above],
    [parts.negative, below],
  ];
}

export const epsilonRule =
  (epsilon: number): WeightRule =>
  ({ build }, { x, w, z, transposed }, relevance) =>
    build.mul(x, transposed(build.div(relevance, stabilised(build, z, epsilon)), w));

export const alphaBetaRule =
  (alpha: number): WeightRule =>
  (c, weighted, relevance) => {
    const { build } = c;
    const w = signed(build, weighted.w);
    const b = weighted.b && signed(build, weighted.b);
    const above = meeting(c, weighted, w.positive, w.negative);
    const excited = shared(c, weighted, { pairs: above, bias: b?.positive, relevance, sign: 1 });
    if (alpha === 1) return excited;
    const below = meeting(c, weighted, w.negative, w.positive);
    const inhibited = shared(c, weighted, { pairs: below, bias: b?.negative, relevance, sign: -1 });
    return build.sub(build.mul(excited, alpha), build.mul(inhibited, alpha - 1));
  };

export const zPlusRule = alphaBetaRule(1);

/** Both signs of z as the paper has the positive one, as Andeol et al. 2021 (arXiv 2112.02548) do. */
export const gammaRule =
  (gamma: number): WeightRule =>
  (c, weighted, relevance) => {
    const { build } = c;
    const more = (v: Value | undefined) => {
      if (!v) return undefined;
      const parts = signed(build, v);
      return {
        positive: build.add(v, build.mul(parts.positive, gamma)),
        negative: build.add(v, build.mul(parts.negative, gamma)),
      };
    };
    const [w, b] = [more(weighted.w) ?? { positive: weighted.w, negative: weighted.w }, more(weighted.b)];
    const where = (z: Value) => build.where(build.greater(z, 0), relevance, 0);
    const above = meeting(c, weighted, w.positive, w.negative);
    const below = meeting(c, weighted, w.negative, w.positive);
    return build.add(
      shared(c, weighted, { pairs: above, bias: b?.positive, relevance: where(weighted.z) }),
      shared(c, weighted, { pairs: below, bias: b?.negative, relevance: where(build.neg(weighted.z)) }),
    );
  };

/** A tensor of one number, in the shape of one row of another. */
function filled(build: Builder, number: number, { type, dims, name }: Value): Value {
  const row = dims && [dims[0] === -1 ? 1 : (dims[0] ?? 1), ...dims.slice(1)];
  const shape = row?.every((d) => d >= 0) ? build.ints(row) : build.shapeOf({ type, dims, name });
  return build.add(build.zeros(shape, type, row), number);
}

export const flatRule: WeightRule = (c, { x, w, apply, transposed }, relevance) => {
  const { build } = c;
  const ones = filled(build, 1, w);
  return transposed(build.div(relevance, stabilised(build, apply(filled(build, 1, x), ones), stabiliser)), ones);
};

export const wSquareRule: WeightRule = (c, { x, w, apply, transposed }, relevance) => {
  const { build } = c;
  const squares = build.mul(w, w);
  return transposed(build.div(relevance, stabilised(build, apply(filled(build, 1, x), squares), stabiliser)), squares);
};

/** Of inputs that lie between two numbers. */
export const boxRule =
  (low: number, high: number): WeightRule =>
  (c, { x, w, apply, transposed }, relevance) => {
    const { build } = c;
    const parts = signed(build, w);
    const terms: [Value, Value][] = [
      [x, w],
      [filled(build, low, x), parts.positive],
      [filled(build, high, x), parts.negative],
    ];
    const difference = (values: readonly Value[]) => values.reduce((a, b) => build.sub(a, b));
    const z = difference(terms.map(([v, weights]) => apply(v, weights)));
    const quotient = build.div(relevance, stabilised(build, z, stabiliser));
    return difference(terms.map(([v, weights]) => build.mul(v, transposed(quotient, weights))));
  };

/** The z+ rule without biases; with `opposite`, less that of the negated weights: what excites the class and not its opposite. */
export const excitationRule =
  (opposite: boolean): WeightRule =>
  (c, weighted, relevance) => {
    const { build } = c;
    const w = signed(build, weighted.w);
    const of = (above: Value, below: Value, sign: 1 | -1) =>
      shared(c, weighted, {
        ...{ pairs: meeting(c, weighted, above, below), bias: undefined, relevance, sign, whole: true },
      });
    const excited = of(w.positive, w.negative, 1);
    return opposite ? build.sub(excited, of(w.negative, w.positive, -1)) : excited;
  };
