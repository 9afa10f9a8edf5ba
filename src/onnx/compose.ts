/**
 * @file Joining models: an encoder and a decoder, each a file of its own, as one graph that the reverse sweep goes through like any other.
 *
 * Every tensor of a part gets the part's name in front, `encoder/last_hidden_state`, and an input that is connected becomes the tensor
 * that it is connected to. Weights keep their bytes; no number is copied until the joined file is asked for.
 */
import { listing, UserError } from "../errors.ts";
import { indexLazily, type Model } from "./model.ts";
import {
  changed,
  declaredDims,
  declaredType,
  type ModelProto,
  makeGraph,
  makeModel,
  type ValueInfoProto,
} from "./proto.ts";
import { raise } from "./raise.ts";
import { renamed } from "./rename.ts";
import { typeName } from "./types.ts";

/** A model and what it is called within the whole. */
export interface Part {
  readonly name: string;
  readonly model: Model;
}

/** From an input of a part to a tensor of an earlier one, both by their names in the whole. */
export type Connections = Readonly<Record<string, string>>;

/** A tensor's name in the whole. */
export const within = (part: string, tensor: string): string => `${part}/${tensor}`;

/**
 * The parts as one model. Its inputs are those that nothing is connected to, its outputs those of the last part.
 * @param parts in the order in which they run
 * @throws UserError `unknown-name` for a connection from or to what is not there, `invalid-model` where the two ends differ in type or
 *   shape, or where the parts' operator sets cannot be brought together.
 */
export function compose(parts: readonly Part[], connections: Connections): Model {
  const opset = Math.max(...parts.map(({ model }) => model.opset));
  const raised = parts.map(({ name, model }) => ({ name, model: raise(model, opset, name) }));
  checkConnections(raised, connections);
  const resolve = (name: string): string => (connections[name] === undefined ? name : resolve(connections[name]));
  const graphs = raised.map(({ name, model }) => renamed(model.graph, (tensor) => resolve(within(name, tensor))));
  // What is connected goes by the name of another part's tensor, which may be an input itself.
  const free = raised.flatMap(({ name, model: { inputs } }, part) => {
    const own = new Set(inputs.map((input) => within(name, input.name)).filter((input) => !(input in connections)));
    return graphs[part].input.filter((input) => own.has(input.name));
  });
  const proto = makeModel({
    irVersion: raised.reduce((most, { model }) => (model.proto.irVersion > most ? model.proto.irVersion : most), 4n),
    opsetImport: imports(raised, opset),
    functions: functionsOf(raised),
    graph: makeGraph({
      name: parts.map(({ name }) => name).join("+"),
      node: graphs.flatMap(({ node }) => node),
      initializer: graphs.flatMap(({ initializer }) => initializer),
      sparseInitializer: graphs.flatMap(({ sparseInitializer }) => sparseInitializer),
      input: free,
      output: graphs.at(-1)?.output ?? [],
    }),
  });
  return indexLazily(proto);
}

/** Every operator set that a part imports; the standard one once. */
function imports(parts: readonly Part[], opset: number): ModelProto["opsetImport"] {
  const standard = parts[0].model.proto.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx");
  const others = new Map<string, ModelProto["opsetImport"][number]>();
  for (const { name, model } of parts)
    for (const entry of model.proto.opsetImport) {
      if (entry.domain === "" || entry.domain === "ai.onnx") continue;
      const known = others.get(entry.domain);
      if (known && known.version !== entry.version)
        throw new UserError(
          "invalid-model",
          `invalid models: "${name}" imports ${entry.domain} ${entry.version}, another part ${known.version}; export them with one version`,
        );
      others.set(entry.domain, entry);
    }
  return [...(standard ? [changed(standard, { domain: "", version: BigInt(opset) })] : []), ...others.values()];
}

function functionsOf(parts: readonly Part[]): ModelProto["functions"] {
  const all = parts.flatMap(({ model }) => model.proto.functions);
  const keys = all.map(({ domain, name, overload }) => `${domain}.${name}.${overload}`);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice)
    throw new UserError(
      "invalid-model",
      `invalid models: two parts define a function "${twice}"; export them with functions inlined`,
    );
  return all;
}

interface End {
  readonly info: ValueInfoProto;
  readonly part: string;
}

function checkConnections(parts: readonly Part[], connections: Connections): void {
  const ends = (list: (model: Model) => readonly ValueInfoProto[]) =>
    new Map<string, End>(
      parts.flatMap(({ name: part, model }) =>
        list(model).map((info) => [within(part, info.name), { info, part }] as const),
      ),
    );
  const takes = ends(({ inputs }) => inputs);
  const gives = ends(({ graph, inputs }) => [...inputs, ...graph.output]);
  for (const [to, from] of Object.entries(connections)) {
    const [source, target] = [gives.get(from), takes.get(to)];
    if (!target)
      throw new UserError("unknown-name", `unknown input: "${to}"; the models take ${listing(takes.keys())}`);
    if (!source)
      throw new UserError("unknown-name", `unknown output: "${from}"; the models give ${listing(gives.keys())}`);
    checkFit(source, target);
  }
}

/** What the two ends declare must agree; what is free, or not declared, is seen when the runtime gets the whole. */
function checkFit(source: End, target: End): void {
  const [given, wanted] = [source.info, target.info].map(declaredDims);
  const types = [source.info, target.info].map(declaredType);
  const differ = (a: number | string, b: number | string) => typeof a === "number" && typeof b === "number" && a !== b;
  const fits = !given || !wanted || (given.length === wanted.length && !given.some((d, i) => differ(d, wanted[i])));
  if (fits && (types.includes(0) || types[0] === types[1])) return;
  const words = ({ info }: End) =>
    `"${info.name}" ${typeName(declaredType(info))} [${declaredDims(info)?.map((d) => d || "?") ?? "?"}]`;
  throw new UserError(
    "invalid-model",
    `invalid models: they do not fit: the ${source.part} gives ${words(source)}, the ${target.part} takes ${words(target)}`,
  );
}
