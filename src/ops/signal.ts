/** @file Fourier transforms. A complex number is a last axis of two. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { isStatic, range } from "../onnx/dims.ts";
import type { AttributeValues } from "../onnx/emit.ts";
import { composed } from "./composed.ts";
import { type Call, type Op, positive, unsupported } from "./op.ts";

/** v cut or filled with zeros to a length along an axis. */
const fitted = (build: Builder, v: Value, axis: number, length: number): Value => {
  const rank = rankOf(v);
  const change = length - (v.dims?.[axis] ?? length);
  return build.pad(
    v,
    range(rank).map(() => 0),
    range(rank).map((i) => (i === axis ? change : 0)),
  );
};

/** The axis is an attribute in operator set 17, and an input from 20 on. */
function transform(build: Builder, x: Value, axis: number, how: AttributeValues): Value {
  if (build.opset < 20) return build.op("DFT", [x], { axis, ...how }, x.type, x.dims);
  return build.op("DFT", [x, undefined, build.ints(axis)], how, x.type, x.dims);
}

/** y = Re(sum over one side of w x e^(..)) / L, w = 2 where the other side has the conjugate:  dx = w (F dy) / L, one side of it. */
function oneSidedInverse(build: Builder, dy: Value, axis: number, length: number): Value {
  const bins = Math.floor(length / 2) + 1;
  const alone = (k: number) => k === 0 || 2 * k === length;
  const weights = range(bins).map((k) => (alone(k) ? 1 : 2) / length);
  const shape = range(rankOf(dy)).map((i) => (i === axis ? bins : 1));
  const side = {
    ...transform(build, dy, axis, { onesided: 1 }),
    dims: dy.dims?.map((d, i) => (i === axis ? bins : d)),
  };
  const wide = { ...side, dims: side.dims && [...side.dims.slice(0, -1), 2] };
  return build.mul(wide, build.floats(weights, shape, dy.type));
}

// y = F x, |F| = L:  dx = F^H dy = L F^(-1) dy;  the inverse y = F^H x / L:  dx = F dy / L.  Real input gets the real part.
export const DFT: Op = {
  linear: [0],
  vjp: (c) => {
    const { build, attributes, node } = c;
    const [x] = c.x;
    const given = c.opset < 20 ? attributes.int("axis", 1) : c.x[2] ? c.constant(2)?.[0] : -2;
    if (given === undefined) return unsupported(node, "an axis that is not constant");
    const [axis] = positive([given], rankOf(x));
    const inverse = attributes.int("inverse", 0);
    const onesided = attributes.int("onesided", 0) === 1;
    const size = x.dims?.[axis] ?? -1;
    const length = c.x[1] ? (c.constant(1)?.[0] ?? -1) : inverse && onesided ? (c.y[0].dims?.[axis] ?? -1) : size;
    if (!isStatic([size, length])) unsupported(node, "the length of the signal is not known");
    if (inverse && onesided) return [fitted(build, oneSidedInverse(build, c.dy[0], axis, length), axis, size)];
    const full = fitted(build, c.dy[0], axis, length);
    const back = build.mul(transform(build, full, axis, { inverse: 1 - inverse }), inverse ? 1 / length : length);
    const whole = fitted(build, back, axis, size);
    return [x.dims?.at(-1) === 1 ? build.slice(whole, rankOf(x) - 1, 0, 1) : whole];
  },
};

/** Frames of a signal [N, length, 1 or 2], each weighted by a window and transformed. */
export const STFT: Op = composed(
  (c: Call) => {
    const { build, attributes, node } = c;
    const [signal, , window] = c.x;
    const step = c.constant(1)?.[0] ?? unsupported(node, "a frame_step that is not constant");
    const length = c.x[3] ? c.constant(3)?.[0] : window?.dims?.[0];
    const frames = c.y[0].dims?.[1] ?? -1;
    if (length === undefined || !isStatic([length, frames])) return unsupported(node, "frames that are not constant");
    const places = range(frames).flatMap((f) => range(length).map((i) => f * step + i));
    const cut = build.gather(signal, build.ints(places), 1);
    const [batch, , parts] = signal.dims ?? [-1, -1, 1];
    const framed = build.reshape(cut, [-1, frames, length, parts]);
    const weighted = window ? build.mul(framed, build.reshape(window, [1, 1, length, 1])) : framed;
    const onesided = attributes.int("onesided", 1);
    const inputs = build.opset < 20 ? [weighted] : [weighted, undefined, build.ints(2)];
    const own = { onesided, ...(build.opset < 20 && { axis: 2 }) };
    const bins = onesided ? Math.floor(length / 2) + 1 : length;
    return [build.op("DFT", inputs, own, signal.type, [batch, frames, bins, 2])];
  },
  { linear: [0, 2] },
);
