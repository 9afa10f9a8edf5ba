/**
 * @file What RNN, GRU and LSTM share. The forward loop is not run again: its outputs, shifted by one step, are all that the gates depend on, so
 * every gate of every step comes from one matrix product. What remains to be done step by step is the backward pass of the state's
 * gradient, a Scan in reverse (and for LSTM a Scan for the cells); the gradients of the weights are products over all steps.
 *
 * Letters: T steps, N sequences, I input and H hidden size, G gates. Names of ONNX: Y all hidden states, Y_h and Y_c the last ones.
 */
import type { Builder, Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { type Activation, activationsOf } from "./gate.ts";
import { type Call, type Op, unsupported } from "./op.ts";

/** One direction of the node, its time running forward; [T, N, ...], [N, H], weights [G H, I] and [G H, H]. */
export interface Direction {
  readonly build: Builder;
  readonly hidden: number;
  readonly r: Value;
  /** The sum of both biases, and the recurrent one alone: [G H]. */
  readonly bias?: Value;
  readonly recurrentBias?: Value;
  /** Hidden states, and those before each step. */
  readonly y: Value;
  readonly before: Value;
  /** x W' for all gates: [T, N, G H]. */
  readonly projected: Value;
  readonly initialCell: Value;
  /** Gradients of the hidden states and, where sequences end early, of the cell at their end. */
  readonly dy: Value;
  readonly dcEnd?: Value;
  /** Gradients of the last states. */
  readonly dh: Value;
  readonly dc: Value;
  readonly linearBeforeReset: boolean;
  readonly activations: readonly Activation[];
  /** Where the sums of the gates are cut off, on both sides. */
  readonly clip?: number;
  /** What the gates i, o and f see of the cell: [H] each. */
  readonly peepholes?: readonly Value[];
  /** The forget gate is 1 - i. */
  readonly coupled: boolean;
}

/** The gradients that a cell finds: of its pre-activations, of what the recurrent weights made of the state, of the first states. */
export interface Found {
  /** [T, N, G H], the gradient of x W' + biases. */
  readonly gates: Value;
  /** The gradient of the recurrent products where it differs, and what the weights were multiplied with, gate by gate. */
  readonly recurrent?: Value;
  readonly resetState?: Value;
  readonly dh: Value;
  readonly dc?: Value;
  /** [3 H] */
  readonly peepholes?: Value;
}

export const recurrent = (gates: number, defaults: readonly string[], cell: (d: Direction) => Found): Op => ({
  vjp: (c) => {
    const { build, attributes, node } = c;
    if (attributes.int("layout", 0) !== 0) unsupported(node, "layout 1");
    const named = activationsOf(c, defaults);
    const [x, w, , , lengths] = c.x;
    const [steps, batch, size] = x.dims ?? [-1, -1, -1];
    const hidden = attributes.int("hidden_size", undefined) ?? c.x[2].dims?.[2] ?? -1;
    const direction = attributes.string("direction", "forward");
    const directions = direction === "bidirectional" ? 2 : 1;
    const y = c.y[0] ?? allStates(c, directions, hidden);
    const [dY, dYh, dYc] = c.dy;
    const time = lengths && clock(build, x, build.cast(lengths, DataType.INT64));

    const parts = range(directions).map((i) => {
      const backward = direction === "reverse" || i === 1;
      const turn = (v: Value) => (backward ? reversed(c, v, lengths) : v);
      const pick = (v: Value, axis = 0) => take(build, v, axis, i, directions);
      const zero = () => stateZeros(build, x, hidden);
      const initial = c.x[5] ? pick(c.x[5]) : zero();
      const [dh, dc] = [dYh, dYc].map((d) => d && pick(d));
      const given = turn(dY ? pick(dY, 1) : build.zerosLike(pick(y, 1)));
      const dy = time && dh ? build.where(time.last, build.add(given, build.unsqueeze(dh, [0])), given) : given;
      const states = turn(pick(y, 1));
      const [inputs, wi, ri] = [turn(x), pick(w), pick(c.x[2])];
      const both = c.x[3] && pick(c.x[3]);
      const [wb, rb] = both ? build.split(both, 0, [gates * hidden, gates * hidden]) : [];
      const before = shifted(build, states, initial);
      const found = cell({
        build,
        hidden,
        r: ri,
        bias: wb && build.add(wb, rb),
        recurrentBias: rb,
        y: states,
        before,
        projected: build.matMul(inputs, build.transpose(wi, [1, 0])),
        initialCell: c.x[6] ? pick(c.x[6]) : zero(),
        dy: time ? build.where(time.within, dy, 0) : dy,
        dcEnd: time && dc ? build.where(time.last, build.unsqueeze(dc, [0]), 0) : undefined,
        dh: time || !dh ? zero() : dh,
        dc: time || !dc ? zero() : dc,
        linearBeforeReset: attributes.int("linear_before_reset", 0) !== 0,
        activations: named.slice((i * defaults.length) % named.length),
        clip: attributes.has("clip") ? attributes.float("clip", 0) : undefined,
        peepholes: c.x[7] && build.split(pick(c.x[7]), 0, [hidden, hidden, hidden]),
        coupled: attributes.int("input_forget", 0) !== 0,
      });
      const flat = (v: Value, width: number) => build.reshape(v, [-1, width]);
      const rows = flat(found.gates, gates * hidden);
      const recurrentRows = found.recurrent ? flat(found.recurrent, gates * hidden) : rows;
      const dx = turn({ ...build.matMul(found.gates, wi), dims: [steps, batch, size] });
      const dw = build.gemm(rows, flat(inputs, size), { transA: true });
      const dr = recurrentWeights(build, found, recurrentRows, flat(before, hidden), gates, hidden);
      const sums = [rows, recurrentRows].map((v) => build.reduceSum(v, [0], false));
      return { dx, dw, dr, db: build.concat(sums, 0), dh: found.dh, dc: found.dc, dp: found.peepholes };
    });

    const stacked = (of: (part: (typeof parts)[number]) => Value) =>
      build.concat(
        parts.map((part) => build.unsqueeze(of(part), [0])),
        0,
      );
    const gradients = [
      () => build.sum(parts.map(({ dx }) => dx)),
      () => stacked(({ dw }) => dw),
      () => stacked(({ dr }) => dr),
      () => stacked(({ db }) => db),
      undefined,
      () => stacked(({ dh }) => dh),
      () => stacked(({ dh, dc }) => dc ?? dh),
      () => stacked(({ dh, dp }) => dp ?? dh),
    ];
    return c.x.map((_, i) => (c.needs[i] ? (gradients[i]?.() ?? null) : null));
  },
});

/** All hidden states, [T, directions, N, H], of a node that is only asked for the last. */
function allStates({ build, node, x }: Call, directions: number, hidden: number): Value {
  const [steps, batch] = x[0].dims ?? [-1, -1];
  return build.again(node, x, x[0].type, [steps, directions, batch, hidden]);
}

/** For each step and sequence, [T, N, 1]: whether it lies within the sequence, and whether it is its last. */
function clock(build: Builder, x: Value, lengths: Value): { within: Value; last: Value } {
  const float = (v: Value) => build.cast(v, DataType.FLOAT);
  const step = build.unsqueeze(float(build.iota(build.dimOf(x, 0))), [1, 2]);
  const left = build.sub(build.unsqueeze(float(lengths), [0, 2]), step);
  return { within: build.greater(left, 0.5), last: build.equal(left, 1) };
}

/** The steps in reverse order, each sequence within its own length. */
function reversed({ build, node, x: [x] }: Call, v: Value, lengths: Value | undefined): Value {
  const steps = v.dims?.[0] ?? -1;
  if (!lengths && steps >= 0) return build.gather(v, build.ints(range(steps).reverse()), 0);
  if (build.opset < 10) unsupported(node, "reverse with lengths that are only known at run time needs operator set 10");
  const whole = () => build.op("Expand", [build.dimOf(x, 0), build.dimOf(x, 1)], undefined, DataType.INT64);
  const ends = lengths ? build.cast(lengths, DataType.INT64) : whole();
  return build.op("ReverseSequence", [v, ends], { time_axis: 0, batch_axis: 1 }, v.type, v.dims);
}

/** One of the directions along an axis, which goes. */
function take(build: Builder, v: Value, axis: number, i: number, directions: number): Value {
  return build.squeeze(directions === 1 ? v : build.slice(v, axis, i, i + 1), [axis]);
}

function stateZeros(build: Builder, x: Value, hidden: number): Value {
  const batch = x.dims?.[1] ?? -1;
  return build.zeros(build.concat([build.dimOf(x, 1), build.ints([hidden])], 0), x.type, [batch, hidden]);
}

/** The states before each step: the first, then all but the last. */
function shifted(build: Builder, states: Value, first: Value): Value {
  const joined = build.concat([build.unsqueeze(first, [0]), states], 0);
  return { ...build.slice(joined, 0, 0, -1), dims: states.dims };
}

/** dR = (gradient of the products)' (what R was multiplied with); the last gate of a GRU may see the state after its reset. */
function recurrentWeights(
  build: Builder,
  { resetState }: Found,
  rows: Value,
  before: Value,
  gates: number,
  hidden: number,
): Value {
  if (!resetState) return build.gemm(rows, before, { transA: true });
  const [first, last] = build.split(rows, 1, [(gates - 1) * hidden, hidden]);
  const reset = build.reshape(resetState, [-1, hidden]);
  return build.concat([build.gemm(first, before, { transA: true }), build.gemm(last, reset, { transA: true })], 0);
}
