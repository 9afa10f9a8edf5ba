/**
 * @file RNN, GRU and LSTM: what one step makes of the gradients, from gates that are computed for all steps at once.
 */
import type { Builder, Value } from "../onnx/build.ts";
import { scan } from "../onnx/nested.ts";
import { gate } from "./gate.ts";
import { recurrent } from "./recurrence.ts";

/** The recurrent part of the sums of the gates whose weights are given: [T, N, gates H]. */
function product(build: Builder, state: Value, r: Value): Value {
  return build.matMul(state, build.transpose(r, [1, 0]));
}

const plus = (build: Builder, v: Value, bias: Value | undefined): Value => (bias ? build.add(v, bias) : v);

// h = f(x W' + h- R' + b);  da = (dy + dh+) f'(a),  dh = da R
export const RNN = recurrent(1, ["Tanh"], (d) => {
  const { build, y, r, dy, dh } = d;
  const sum = plus(build, build.add(d.projected, product(build, d.before, r)), d.bias);
  const slope = gate(build, d.activations[0], sum, d.clip, y).back(build.floats(1, [1, 1, 1], y.type));
  const back = scan(build, {
    states: [dh],
    sequences: [dy, build.expandLike(slope, y)],
    reverse: true,
    step: (step, [carried], [given, factor]) => {
      const da = step.mul(step.add(given, carried), factor);
      return { states: [step.matMul(da, r)], outputs: [da] };
    },
  });
  return { gates: back.outputs[0], dh: back.states[0] };
});

// z, r = f(..), n = g(x W' + (r h-) R' + b)  or  g(x W' + r (h- R' + b));  h = (1 - z) n + z h-
export const GRU = recurrent(3, ["Sigmoid", "Tanh"], (d) => {
  const { build, hidden, before, bias, recurrentBias, projected, dy, dh, clip } = d;
  const [f, g] = d.activations;
  const cut = (v: Value, axis: number) => build.split(v, axis, [2 * hidden, hidden]);
  const [rGates, rNew] = cut(d.r, 0);
  const [pGates, pNew] = cut(projected, 2);
  const [bGates, bNew] = bias ? cut(bias, 0) : [];
  const sums = plus(build, build.add(pGates, product(build, before, rGates)), bGates);
  const [update, reset] = build.split(sums, 2, [hidden, hidden]).map((sum) => gate(build, f, sum, clip));
  const [z, r] = [update.value, reset.value];
  const resetState = build.mul(r, before);
  const linear = d.linearBeforeReset;
  const rb = recurrentBias && cut(recurrentBias, 0)[1];
  const q = plus(build, product(build, before, rNew), rb); // read only where the reset comes after
  const input = linear && bNew && rb ? build.add(pNew, build.sub(bNew, rb)) : plus(build, pNew, bNew);
  const sum = build.add(input, linear ? build.mul(r, q) : product(build, resetState, rNew));
  const fresh = gate(build, g, sum, clip);

  const back = scan(build, {
    states: [dh],
    sequences: [
      dy,
      z,
      r,
      update.back(build.sub(before, fresh.value)),
      fresh.back(build.sub(1, z)),
      reset.back(linear ? q : before),
    ],
    reverse: true,
    step: (step, [carried], [given, z, r, kz, kn, kr]) => {
      const total = step.add(given, carried);
      const dn = step.mul(total, kn);
      // The gradient of what the recurrent weights of n made, or were given.
      const through = linear ? step.mul(dn, r) : step.matMul(dn, rNew);
      const gates = step.concat([step.mul(total, kz), step.mul(linear ? dn : through, kr)], 1);
      const direct = step.add(step.mul(total, z), step.matMul(gates, rGates));
      const rest = linear ? step.matMul(through, rNew) : step.mul(through, r);
      return { states: [step.add(direct, rest)], outputs: [gates, dn] };
    },
  });
  const [dGates, dn] = back.outputs;
  return {
    gates: build.concat([dGates, dn], 2),
    recurrent: linear ? build.concat([dGates, build.mul(dn, r)], 2) : undefined,
    resetState: linear ? undefined : resetState,
    dh: back.states[0],
  };
});

// i, f = f(.. + P c-), o = f(.. + P c), g = g(..);  c = f c- + i g,  h = o h(c);  coupled: f = 1 - i
export const LSTM = recurrent(4, ["Sigmoid", "Tanh", "Tanh"], (d) => {
  const { build, hidden, before, r, dy, dcEnd, dh, dc, clip, coupled } = d;
  const [inner, candidate, outer] = d.activations;
  const [pi, po, pf] = d.peepholes ?? [];
  const all = plus(build, build.add(d.projected, product(build, before, r)), d.bias);
  const [sumI, sumO, sumF, sumG] = build.split(all, 2, [hidden, hidden, hidden, hidden]);
  const seeing = (b: Builder, sum: Value, cell: Value, weight?: Value) =>
    weight ? b.add(sum, b.mul(cell, weight)) : sum;
  const g = gate(build, candidate, sumG, clip);
  /** The gates i and f beside a cell. */
  const opened = (b: Builder, [sumI, sumF]: readonly Value[], cell: Value) => {
    const i = gate(b, inner, seeing(b, sumI, cell, pi), clip);
    return { i, f: coupled ? undefined : gate(b, inner, seeing(b, sumF, cell, pf), clip) };
  };
  const kept = (b: Builder, { i, f }: ReturnType<typeof opened>) => f?.value ?? b.sub(1, i.value);

  const ready = pi ? undefined : opened(build, [sumI, sumF], sumI);
  const cells = scan(build, {
    states: [d.initialCell],
    sequences: ready ? [kept(build, ready), build.mul(ready.i.value, g.value)] : [sumI, sumF, g.value],
    step: (step, [cell], [a, b, g]) => {
      const gates = ready ? undefined : opened(step, [a, b], cell);
      const [f, added] = gates ? [kept(step, gates), step.mul(gates.i.value, g)] : [a, b];
      const next = step.add(step.mul(f, cell), added);
      return { states: [next], outputs: [next, cell] };
    },
  });
  const [after, earlier] = cells.outputs;
  const gates = ready ?? opened(build, [sumI, sumF], earlier);
  const o = gate(build, inner, seeing(build, sumO, after, po), clip);
  const t = gate(build, outer, after);

  const ki = gates.i.back(coupled ? build.sub(g.value, earlier) : g.value);
  const kf = gates.f?.back(earlier) ?? build.mul(ki, 0);
  const sequences = [dy, t.back(o.value), kept(build, gates), ki, o.back(t.value), kf, g.back(gates.i.value)];
  const back = scan(build, {
    states: [dh, dc],
    sequences: dcEnd ? [...sequences, dcEnd] : sequences,
    reverse: true,
    step: (step, [carriedH, carriedC], [given, intoCell, f, ki, ko, kf, kg, end]) => {
      const total = step.add(given, carriedH);
      const dao = step.mul(total, ko);
      const direct = step.add(end ? step.add(carriedC, end) : carriedC, step.mul(total, intoCell));
      const cell = seeing(step, direct, dao, po);
      const [dai, daf] = [step.mul(cell, ki), step.mul(cell, kf)];
      const da = step.concat([dai, dao, daf, step.mul(cell, kg)], 1);
      const earlier = seeing(step, seeing(step, step.mul(cell, f), dai, pi), daf, pf);
      return { states: [step.matMul(da, r), earlier], outputs: [da] };
    },
  });
  const [found] = back.outputs;
  const seen = () => {
    const [dai, dao, daf] = build.split(found, 2, [hidden, hidden, hidden, hidden]);
    const pairs = [
      [dai, earlier],
      [dao, after],
      [daf, earlier],
    ] as const;
    return build.concat(
      pairs.map(([da, cell]) => build.reduceSum(build.mul(da, cell), [0, 1], false)),
      0,
    );
  };
  return { gates: found, dh: back.states[0], dc: back.states[1], peepholes: pi && seen() };
});
