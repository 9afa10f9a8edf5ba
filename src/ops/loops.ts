/**
 * @file Loop and Scan. The forward loop runs again and keeps the states that each step began with, as far as the adjoint reads them; then
 * a loop of the same kind goes from the last step to the first. Its states are the gradients of the forward states, and the sums of
 * those of the outer tensors that every step reads. However many steps the forward loop makes, the backward pass makes as many.
 */
import { keepsShapes } from "../onnx/bodies.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import type { AttributeValues } from "../onnx/emit.ts";
import { graphOf } from "../onnx/nested.ts";
import { DataType, makeNode, makeTensor } from "../onnx/proto.ts";
import { gradientType } from "../onnx/types.ts";
import { adjoint, enter, placed, tensorOf } from "./inside.ts";
import { type Call, type Inside, type Op, unsupported } from "./op.ts";

/** A loop and its body. The body has as many inputs as the node, and a state has the same place in both. */
interface Looped {
  readonly c: Call;
  readonly body: Inside;
  /** The inputs of the body. */
  readonly formal: readonly string[];
  /** Places of the states among the inputs. */
  readonly states: readonly number[];
  /** What a step makes of each state, by its place; before these the body has `ahead` outputs, and behind them those that are stacked. */
  readonly result: (state: number) => string;
  readonly ahead: number;
}

function looped(c: Call, inner: Builder, first: number, count: number, ahead: number): Looped {
  const body = enter(c, "body", inner);
  const formal = body.own.input.map(({ name }) => name);
  const states = range(count).map((i) => first + i);
  return { c, body, formal, states, result: (state) => body.graph.outputs[state - first + ahead], ahead };
}

/** One step backwards, in the builder of the loop's body. Values of before and after the step have the same order. */
interface Step {
  /** Places of the states that have a gradient, and these gradients. */
  readonly carried: readonly number[];
  readonly before: readonly Value[];
  readonly after: readonly Value[];
  /** Places in the node's `inputs` of outer tensors that have a gradient, and the sums of it so far. */
  readonly captured: readonly number[];
  readonly sums: readonly Value[];
  readonly added: readonly Value[];
  /** Gradients of inputs of the body, by name. */
  readonly found: ReadonlyMap<string, Value>;
  /** Names of all tensors that the step reads. */
  readonly needed: ReadonlySet<string>;
}

/** @param dStacked gradients of what the step has stacked; a hole where there is none. */
function stepBack(loop: Looped, inner: Builder, dStacked: readonly (Value | undefined)[]): Step {
  const { c, body, formal, states, result, ahead } = loop;
  const { inputs, needs, node } = c;
  const outer = range(inputs.length).filter((i) => needs[i] && i >= node.input.length);

  // A state has a gradient if its first value has, or once a step has made it of something that has.
  const wrt = new Set([...outer.map((i) => inputs[i]), ...formal.filter((_, i) => needs[i])]);
  for (let size = 0; size < wrt.size; ) {
    size = wrt.size;
    const active = body.dependents(wrt);
    for (const state of states) if (active.has(result(state))) wrt.add(formal[state]);
  }
  const gradient = ({ type, dims }: Value) => ({ ...inner.input(gradientType(type), []), dims });
  const carried = states.filter((state) => wrt.has(formal[state]));
  const before = carried.map((state) => gradient(tensorOf(body, formal[state])));
  const dStates = states.map((state) => before[carried.indexOf(state)]);
  const found = adjoint(body, inner, [...Array(ahead).fill(undefined), ...dStates, ...dStacked], [...wrt]);

  const after = carried.map((state, i) => found.get(formal[state]) ?? inner.zerosLike(before[i]));
  const captured = outer.filter((i) => found.has(inputs[i]));
  const sums = captured.map((i) => gradient(c.x[i]));
  const added = captured.map((i, k) => inner.add(sums[k], found.get(inputs[i]) as Value));
  const { needed } = inner.collect([...after, ...added, ...found.values()]);
  return { carried, before, after, captured, sums, added, found, needed };
}

/** The forward loop again. It returns inputs of its body, stacked over the steps. */
function again({ c, formal, states, result, ahead, body }: Looped, kept: readonly string[], how?: AttributeValues) {
  const inner = c.build.nested();
  enter(c, "body", inner);
  const of = (name: string) => tensorOf(body, name);
  const results = [...body.graph.outputs.slice(0, ahead), ...states.map(result), ...kept].map(of);
  // As they are in the model: of half precision too.
  const inputs = c.node.input.map((name, i) => c.x[i] && { ...c.x[i], name });
  const stacked = kept.map(of).map(({ type, dims }) => ({ type, dims: dims && [-1, ...dims] }));
  const outputs = [...states.map((state) => of(formal[state])), ...stacked];
  const graph = graphOf(inner, formal.map(of), results);
  return c.build.ops(c.node.opType, inputs, { ...how, body: graph }, outputs).slice(states.length);
}

/** What the backward pass begins with: the gradients of the last states, and sums of nothing. */
function initial({ c, states }: Looped, { carried, captured }: Step): Value[] {
  const { build, dy, x } = c;
  const last = carried.map((state) => dy[state - states[0]] ?? build.zerosLike(x[state]));
  return [...last, ...captured.map((i) => build.zerosLike(x[i]))];
}

const shapeOnly = ({ type, dims }: Value) => ({ type, dims });

export const Loop: Op = {
  vjp: (c) => {
    const { build, node, dy } = c;
    const inner = build.nested();
    const loop = looped(c, inner, 2, node.input.length - 2, 1);
    const { body, formal, states } = loop;
    if (!keepsShapes(body, node)) unsupported(node, "a state that changes its shape from step to step");
    const [step, goesOn, index] = [DataType.INT64, DataType.BOOL, DataType.INT64].map((type) => inner.input(type, []));
    const stacked = dy.slice(states.length).map((d) => d && inner.gather(d, index, 0));
    const back = stepBack(loop, inner, stacked);

    // The number of each step is kept in any case: it says how many there were.
    const kept = states.map((state) => formal[state]).filter((name) => back.needed.has(name));
    const [numbers, ...values] = again(loop, [formal[0], ...kept]);
    const count = build.gather(build.shapeOf(numbers), build.ints(0), 0);
    const last = build.sub(count, 1);
    const yes = makeTensor("", DataType.BOOL, [], Uint8Array.of(1));
    inner.adopt([
      makeNode("Sub", [last.name, step.name], [index.name]),
      makeNode("Identity", [index.name], [formal[0]]),
      makeNode("Constant", [], [formal[1]], { value: { tensor: yes } }),
      ...kept.map((name, i) => makeNode("Gather", [values[i].name, index.name], [name], { axis: 0 })),
    ]);
    const graph = graphOf(inner, [step, goesOn, ...back.before, ...back.sums], [goesOn, ...back.after, ...back.added]);
    const carried = initial(loop, back);
    const made = build.ops("Loop", [count, undefined, ...carried], { body: graph }, carried.map(shapeOnly));
    return placed(c, [...back.carried, ...back.captured], made);
  },
};

/** A sequence that Scan reads or writes: along an axis, from its end if `direction` is 1. */
interface Sequence {
  readonly slice: Value;
  readonly whole: Value;
  readonly axis: number;
  readonly direction: number;
}

export const Scan: Op = {
  vjp: (c) => {
    const { build, node, attributes, x, dy } = c;
    const inner = build.nested();
    const count = attributes.int("num_scan_inputs", 0);
    const loop = looped(c, inner, 0, node.input.length - count, 0);
    const { body, formal, states } = loop;
    const at = (name: string, i: number) => attributes.ints(name)?.[i] ?? 0;
    const backwards = (kind: "input" | "output", i: number) => ({
      axis: at(`scan_${kind}_axes`, i),
      direction: 1 - at(`scan_${kind}_directions`, i),
    });
    const places = range(count).map((i) => states.length + i);
    const slices = places.map((place, i): Sequence => {
      const whole = { ...x[place], name: node.input[place] };
      return { slice: tensorOf(body, formal[place]), whole, ...backwards("input", i) };
    });
    const given = dy.slice(states.length).map((whole, i): Sequence | undefined => {
      const { type, dims } = tensorOf(body, body.graph.outputs[states.length + i]);
      const slice = whole && { ...inner.input(gradientType(type), []), dims };
      return slice && { slice, whole, ...backwards("output", i) };
    });
    const back = stepBack(
      loop,
      inner,
      given.map((sequence) => sequence?.slice),
    );

    const kept = states.map((state) => formal[state]).filter((name) => back.needed.has(name));
    const how = {
      num_scan_inputs: count,
      scan_input_axes: places.map((_, i) => at("scan_input_axes", i)),
      scan_input_directions: places.map((_, i) => at("scan_input_directions", i)),
    };
    const saved = again(loop, kept, how).map((whole, i): Sequence => {
      return { slice: tensorOf(body, kept[i]), whole, axis: 0, direction: 1 };
    });
    const sequences = [...slices, ...saved, ...given.filter((sequence) => sequence !== undefined)];
    const read = sequences.filter(({ slice }) => back.needed.has(slice.name));
    const all = read.length ? read : slices.slice(0, 1); // what says how many steps there are
    const sloped = places.filter((place) => back.found.has(formal[place]));
    const dSlices = sloped.map((place) => back.found.get(formal[place]) as Value);
    const carried = initial(loop, back);
    const made = build.ops(
      "Scan",
      [...carried, ...all.map(({ whole }) => whole)],
      {
        body: graphOf(
          inner,
          [...back.before, ...back.sums, ...all.map(({ slice }) => slice)],
          [...back.after, ...back.added, ...dSlices],
        ),
        num_scan_inputs: all.length,
        scan_input_axes: all.map(({ axis }) => axis),
        scan_input_directions: all.map(({ direction }) => direction),
        scan_output_axes: sloped.map((place) => slices[place - states.length].axis),
        scan_output_directions: sloped.map((place) => slices[place - states.length].direction),
      },
      [...carried, ...sloped.map((place) => x[place])].map(shapeOnly),
    );
    return placed(c, [...back.carried, ...back.captured, ...sloped], made);
  },
};
