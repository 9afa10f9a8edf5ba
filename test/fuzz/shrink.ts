/** @file Shrinks a failing graph: smaller ones that still fail, until none does. */
import * as ort from "onnxruntime-node";
import { feedDraw } from "./draw.ts";
import { randomFeeds, session } from "./generate.ts";
import { bytesOf, type Graph, pruned, type Step } from "./graph.ts";

/** The smallest graph found for which `fails` still holds. */
export async function shrink(graph: Graph, fails: (graph: Graph) => Promise<boolean>, tries = 200): Promise<Graph> {
  let best = pruned(graph);
  for (let left = tries; left > 0; ) {
    let better: Graph | undefined;
    for (const candidate of await smaller(best)) {
      if (--left <= 0) break;
      if (await fails(candidate).catch(() => false)) {
        better = candidate;
        break;
      }
    }
    if (!better) return best;
    best = better;
  }
  return best;
}

/** Graphs with something less, the boldest first. */
async function smaller(graph: Graph): Promise<Graph[]> {
  const dims = await dimsOf(graph);
  const outputs = graph.steps.flatMap(({ outputs }) => outputs).filter((name) => dims[name]);
  const earlier = outputs
    .filter((name) => name !== graph.outputs[0])
    .map((name) => pruned({ ...graph, outputs: [name] }));
  const fed = outputs
    .filter((name) => name !== graph.outputs[0])
    .toReversed()
    .map((name) =>
      pruned({
        ...graph,
        free: false,
        inputs: { ...graph.inputs, [name]: dims[name] },
        steps: without(graph, name),
        outputs: [graph.outputs[0]],
      }),
    )
    .filter(({ steps }) => steps.length < graph.steps.length);
  const skipped = graph.steps.flatMap((step) =>
    step.inputs
      .filter((name) => step.outputs.length === 1 && String(dims[name]) === String(dims[step.outputs[0]]))
      .map((name) => pruned(renamed(graph, step, name))),
  );
  const plainer = graph.steps.flatMap((step, i) =>
    Object.keys(step.attributes).map((name) => {
      const { [name]: _, ...attributes } = step.attributes;
      return { ...graph, steps: graph.steps.with(i, { ...step, attributes }) };
    }),
  );
  const fixed = graph.free ? [{ ...graph, free: false }] : [];
  const alone = graph.outputs.length > 1 ? [{ ...graph, outputs: [graph.outputs[0]] }] : [];
  return [...alone, ...earlier, ...fed, ...skipped, ...fixed, ...plainer].filter(
    ({ steps, outputs }) => steps.length > 0 && outputs.length > 0,
  );
}

const without = ({ steps }: Graph, made: string): Step[] => steps.filter(({ outputs }) => !outputs.includes(made));

function renamed(graph: Graph, gone: Step, to: string): Graph {
  const [from] = gone.outputs;
  const name = (given: string) => (given === from ? to : given);
  const steps = graph.steps.filter((step) => step !== gone).map((step) => ({ ...step, inputs: step.inputs.map(name) }));
  return { ...graph, steps, outputs: graph.outputs.map(name).filter((o) => !(o in graph.inputs)) };
}

/** The shape of every float tensor. */
async function dimsOf(graph: Graph): Promise<Record<string, readonly number[]>> {
  const outputs = graph.steps.flatMap(({ outputs }) => outputs);
  const runner = await ort.InferenceSession.create(bytesOf({ ...graph, outputs }), session);
  const results = await runner.run(randomFeeds(graph.inputs, feedDraw(0)));
  await runner.release();
  const floats = Object.entries(results).filter(([, { type }]) => type === "float32");
  return { ...graph.inputs, ...Object.fromEntries(floats.map(([name, tensor]) => [name, tensor.dims])) };
}
