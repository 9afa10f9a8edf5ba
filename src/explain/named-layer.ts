/** @file The layer that a caller names: a tensor, or a module of the network that it was exported from. */
import { listing, UserError } from "../errors.ts";
import type { Model } from "../onnx/model.ts";
import type { NodeProto } from "../onnx/proto.ts";
import type { Layer } from "../read/layers.ts";
import { ancestors, descendants } from "../read/score.ts";
import { patchesReach } from "../read/tokens.ts";
import type { Plan } from "./plan.ts";

export function layerOf(plan: Plan, name: string): Layer {
  return { name, shape: plan.tensors.get(name)?.dims ?? [], grid: plan.layoutOf(name).grid };
}

/**
 * A candidate by its name, any other tensor of the graph that has a grid, or the last candidate under a module: "layer4" for
 * "/layer4/layer4.2/relu_2/Relu_output_0", as PyTorch users write it.
 * @throws UserError for a name of none of them, or of several modules.
 */
export function namedLayer(plan: Plan, name: string, candidates: readonly Layer[]): Layer {
  const known = candidates.find((layer) => layer.name === name);
  if (known) return known;
  const { model, tensors } = plan;
  const tensor = tensors.get(name);
  const names = listing(
    candidates.map((layer) => layer.name),
    8,
  );
  if (!tensor || !model.producer.has(name)) {
    const under = lastUnder(model, name, candidates);
    if (under) return under;
    throw new UserError("unknown-name", `unknown layer: "${name}"; candidates are ${names}`);
  }
  const refused = (why: string) => new UserError("invalid-option", `invalid layer: "${name}" ${why}`);
  const has = `has shape [${tensor.dims}]`;
  const picture = plan.reading.explained?.name;
  if (picture !== undefined && !descendants(model, tensors, picture).has(name))
    throw refused(`holds nothing of "${picture}", which is explained; candidates are ${names}`);
  if (tensor.dims.length < 3) throw refused(`${has} and no grid; candidates are ${names}`);
  const layout = plan.layoutOf(name);
  if (layout.prefix === undefined && tensor.dims.length < (plan.grids?.rank ?? 0))
    throw refused(`${has}, which none of the network's grids fits; say its grid in tokens, or take one of ${names}`);
  const reach = () => patchesReach(model, tensors, name, layout, ancestors(model, [plan.score.name]));
  return layout.prefix === undefined || reach() ? layerOf(plan, name) : nearest(plan, name, candidates);
}

/** The candidate nearest to the scores in a module; @throws UserError `unknown-name` where several modules have the name. */
function lastUnder(model: Model, module: string, candidates: readonly Layer[]): Layer | undefined {
  const wanted = module
    .replace(/^\/|\/$/g, "")
    .replaceAll("/", ".")
    .replace(/\[(\d+)\]/g, ".$1")
    .replace(/\[-1\]$/, "");
  if (!wanted) return undefined;
  const nodes = new Map(model.graph.node.flatMap((node) => node.output.map((output) => [output, node] as const)));
  const found = candidates.flatMap((layer) => {
    const path = pathsOf(layer.name, nodes.get(layer.name)).find((one) => `.${one}.`.includes(`.${wanted}.`));
    return path === undefined ? [] : [{ layer, prefix: path.slice(0, `.${path}.`.indexOf(`.${wanted}.`)) }];
  });
  const modules = [...new Set(found.map(({ prefix }) => prefix))];
  if (modules.length > 1) {
    const places = modules.map((prefix) => found.find((one) => one.prefix === prefix)?.layer.name ?? prefix);
    throw new UserError(
      "unknown-name",
      `unknown layer: several modules are called "${module}"; name one of ${listing(places)}`,
    );
  }
  return found[0]?.layer;
}

/** The modules of a tensor, outermost first and joined by dots: by its name, and by what PyTorch's exporter notes at its node. */
function pathsOf(name: string, node: NodeProto | undefined): string[] {
  const scopes = node?.metadataProps.find(({ key }) => key === "pkg.torch.onnx.name_scopes")?.value;
  const noted = [...(scopes ?? "").matchAll(/'([^']*)'/g)].map(([, scope]) => scope).filter(Boolean);
  return [name.replace(/^\//, "").replaceAll("/", "."), ...(noted.length ? [noted.join(".")] : [])];
}

/** The last candidate in front of a layer whose patch tokens do not reach the score: only its class token does. */
function nearest({ model }: Plan, name: string, candidates: readonly Layer[]): Layer {
  const made = model.graph.node.flatMap(({ output }) => output);
  const placed = candidates.map((layer) => ({ layer, place: made.indexOf(layer.name) }));
  const [last] = placed.filter(({ place }) => place < made.indexOf(name)).sort((a, b) => b.place - a.place);
  if (!last)
    throw new UserError(
      "no-path",
      `no path: the patch tokens of "${name}" do not reach the score, nor does a layer before it`,
    );
  return { ...last.layer, insteadOf: name };
}
