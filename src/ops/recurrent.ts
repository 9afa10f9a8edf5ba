/**
 * @file RNN, GRU and LSTM. The forward loop is not run again: its outputs, shifted by one step, are all that the gates depend on, so
 * every gate of every step comes from one matrix product. What remains to be done step by step is the way back of the state's
 * gradient, a Scan in reverse (and for LSTM a Scan for the cells); the gradients of the weights are products over all steps.
 *
 * Letters: T steps, N sequences, I input and H hidden size, G gates. Names of ONNX: Y all hidden states, Y_h and Y_c the last ones.
 */
import type { Builder, Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { scan } from "../onnx/nested.ts";
import { DataType } from "../onnx/proto.ts";
import { type Call, type Op, unsupported } from "./op.ts";

/** One direction of the node, its time running forward; [T, N, ...], [N, H], weights [G H, I] and [G H, H]. */
interface Direction {
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
  /** Name of the first activation, in lower case. */
  readonly activation: string;
}

/** The gradients that a cell finds: of its pre-activations, of what the recurrent weights made of the state, of the first states. */
interface Found {
  /** [T, N, G H], the gradient of x W' + biases. */
  readonly gates: Value;
  /** The gradient of the recurrent products where it differs, and what the weights were multiplied with, gate by gate. */
  readonly recurrent?: Value;
  readonly resetState?: Value;
  readonly dh: Value;
  readonly dc?: Value;
}

const recurrent = (gates: number, defaults: readonly string[], cell: (d: Direction) => Found): Op => ({
  vjp: (c) => {
    check(c, defaults);
    const { build } = c;
    const [x, w, , , lengths] = c.x;
    const [steps, batch, size] = x.dims ?? [-1, -1, -1];
    const hidden = c.attributes.int("hidden_size", undefined) ?? c.x[2].dims?.[2] ?? -1;
    const direction = c.attributes.string("direction", "forward");
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
        linearBeforeReset: c.attributes.int("linear_before_reset", 0) !== 0,
        activation: (activations(c)?.[0] ?? defaults[0]).toLowerCase(),
      });
      const flat = (v: Value, width: number) => build.reshape(v, [-1, width]);
      const rows = flat(found.gates, gates * hidden);
      const recurrentRows = found.recurrent ? flat(found.recurrent, gates * hidden) : rows;
      const dx = turn({ ...build.matMul(found.gates, wi), dims: [steps, batch, size] });
      const dw = build.gemm(rows, flat(inputs, size), { transA: true });
      const dr = recurrentWeights(build, found, recurrentRows, flat(before, hidden), gates, hidden);
      const sums = [rows, recurrentRows].map((v) => build.reduceSum(v, [0], false));
      return { dx, dw, dr, db: build.concat(sums, 0), dh: found.dh, dc: found.dc };
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
    ];
    return c.x.map((_, i) => (c.needs[i] ? (gradients[i]?.() ?? null) : null));
  },
});

const activations = ({ attributes }: Call): string[] | undefined => attributes.strings("activations");

function check(c: Call, defaults: readonly string[]): void {
  const { attributes, node } = c;
  if (attributes.int("layout", 0) !== 0) unsupported(node, "layout 1");
  if (attributes.has("clip")) unsupported(node, "clip");
  if (attributes.int("input_forget", 0) !== 0) unsupported(node, "input_forget");
  if (c.x[7]) unsupported(node, "peepholes");
  const names = activations(c) ?? [];
  const same = names.every((name, i) => name.toLowerCase() === defaults[i % defaults.length].toLowerCase());
  const simple = defaults.length === 1 && names.every((name) => name === names[0] && name.toLowerCase() === "relu");
  if (!same && !simple) unsupported(node, `activations ${names.join(", ")}`);
}

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
  if (build.opset < 10) unsupported(node, "reverse, with lengths that only the run knows, needs operator set 10");
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

/** The recurrent part of the pre-activations of the gates whose weights are given: [T, N, gates H]. */
function product(build: Builder, state: Value, r: Value): Value {
  return build.matMul(state, build.transpose(r, [1, 0]));
}

const plus = (build: Builder, v: Value, bias: Value | undefined): Value => (bias ? build.add(v, bias) : v);
/** s (1 - s) and 1 - t^2: the slopes of the sigmoid and of tanh at their values. */
const slope = (build: Builder, s: Value): Value => build.mul(s, build.sub(1, s));
const tanhSlope = (build: Builder, t: Value): Value => build.sub(1, build.mul(t, t));

// h = f(x W' + h- R' + b);  da = (dy + dh+) f'(a),  dh = da R
export const RNN = recurrent(1, ["Tanh"], ({ build, activation, y, r, dy, dh }) => {
  const derivative = activation === "relu" ? build.step(y) : tanhSlope(build, y);
  const back = scan(build, {
    states: [dh],
    sequences: [dy, derivative],
    reverse: true,
    step: (step, [carried], [given, factor]) => {
      const da = step.mul(step.add(given, carried), factor);
      return { states: [step.matMul(da, r)], outputs: [da] };
    },
  });
  return { gates: back.outputs[0], dh: back.states[0] };
});

// z, r = sigmoid(..), n = tanh(x W' + (r h-) R' + b)  or  tanh(x W' + r (h- R' + b));  h = (1 - z) n + z h-
export const GRU = recurrent(3, ["Sigmoid", "Tanh"], (d) => {
  const { build, hidden, before, bias, recurrentBias, projected, dy, dh } = d;
  const cut = (v: Value, axis: number) => build.split(v, axis, [2 * hidden, hidden]);
  const [rGates, rNew] = cut(d.r, 0);
  const [pGates, pNew] = cut(projected, 2);
  const [bGates, bNew] = bias ? cut(bias, 0) : [];
  const both = build.sigmoid(plus(build, build.add(pGates, product(build, before, rGates)), bGates));
  const [z, reset] = build.split(both, 2, [hidden, hidden]);
  const resetState = build.mul(reset, before);
  const linear = d.linearBeforeReset;
  const rb = recurrentBias && cut(recurrentBias, 0)[1];
  const q = plus(build, product(build, before, rNew), rb); // read only where the reset comes after
  const input = linear && bNew && rb ? build.add(pNew, build.sub(bNew, rb)) : plus(build, pNew, bNew);
  const n = build.tanh(build.add(input, linear ? build.mul(reset, q) : product(build, resetState, rNew)));

  const kz = build.mul(build.sub(before, n), slope(build, z));
  const kn = build.mul(build.sub(1, z), tanhSlope(build, n));
  const kr = build.mul(linear ? q : before, slope(build, reset));
  const back = scan(build, {
    states: [dh],
    sequences: [dy, z, reset, kz, kn, kr],
    reverse: true,
    step: (step, [carried], [given, z, reset, kz, kn, kr]) => {
      const total = step.add(given, carried);
      const dn = step.mul(total, kn);
      // The gradient of what the recurrent weights of n made, or were given.
      const through = linear ? step.mul(dn, reset) : step.matMul(dn, rNew);
      const gates = step.concat([step.mul(total, kz), step.mul(linear ? dn : through, kr)], 1);
      const direct = step.add(step.mul(total, z), step.matMul(gates, rGates));
      const rest = linear ? step.matMul(through, rNew) : step.mul(through, reset);
      return { states: [step.add(direct, rest)], outputs: [gates, dn] };
    },
  });
  const [dGates, dn] = back.outputs;
  return {
    gates: build.concat([dGates, dn], 2),
    recurrent: linear ? build.concat([dGates, build.mul(dn, reset)], 2) : undefined,
    resetState: linear ? undefined : resetState,
    dh: back.states[0],
  };
});

// i, o, f = sigmoid(..), g = tanh(..);  c = f c- + i g,  h = o tanh(c)
export const LSTM = recurrent(4, ["Sigmoid", "Tanh", "Tanh"], (d) => {
  const { build, hidden, before, r, dy, dcEnd, dh, dc } = d;
  const pre = plus(build, build.add(d.projected, product(build, before, r)), d.bias);
  const [gates, candidate] = build.split(pre, 2, [3 * hidden, hidden]);
  const [i, o, f] = build.split(build.sigmoid(gates), 2, [hidden, hidden, hidden]);
  const g = build.tanh(candidate);
  const cells = scan(build, {
    states: [d.initialCell],
    sequences: [f, build.mul(i, g)],
    step: (step, [cell], [f, added]) => {
      const next = step.add(step.mul(f, cell), added);
      return { states: [next], outputs: [next, cell] };
    },
  });
  const [after, earlier] = cells.outputs;
  const t = build.tanh(after);
  const intoCell = build.mul(o, tanhSlope(build, t));
  const ki = build.mul(g, slope(build, i));
  const ko = build.mul(t, slope(build, o));
  const kf = build.mul(earlier, slope(build, f));
  const kg = build.mul(i, tanhSlope(build, g));
  const back = scan(build, {
    states: [dh, dc],
    sequences: [dy, intoCell, f, ki, ko, kf, kg, ...(dcEnd ? [dcEnd] : [])],
    reverse: true,
    step: (step, [carriedH, carriedC], [given, intoCell, f, ki, ko, kf, kg, end]) => {
      const total = step.add(given, carriedH);
      const cell = step.add(end ? step.add(carriedC, end) : carriedC, step.mul(total, intoCell));
      const parts = [step.mul(cell, ki), step.mul(total, ko), step.mul(cell, kf), step.mul(cell, kg)];
      const da = step.concat(parts, 1);
      return { states: [step.matMul(da, r), step.mul(cell, f)], outputs: [da] };
    },
  });
  return { gates: back.outputs[0], dh: back.states[0], dc: back.states[1] };
});
