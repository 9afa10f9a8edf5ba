/** @file Which nodes run on which execution provider, as Node's ONNX Runtime profiles them. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type Placement,
  type ProviderReport,
  providerReport as report,
  tryOnce,
  withNodeNames,
} from "../explain/provider-report.ts";
import { type MethodName, methodName } from "../methods/by-name.ts";
import type { Session } from "../onnx/runtime.ts";
import { type LoadOptions, openFileBy } from "./load.ts";
import { loadRuntime, type NodeRuntime } from "./runtime.ts";

export type { PlacedNode, ProviderNodes, ProviderReport } from "../explain/provider-report.ts";

export interface ReportOptions extends LoadOptions {
  /** The method whose nodes are placed; `grad-cam` unless told. */
  readonly method?: MethodName;
}

/**
 * Explains made-up numbers once, and says which nodes ran on which execution provider.
 * @param source as for `openFile`; the providers are those of the options' `session`
 * @throws UserError as `openFile` and `explain` do.
 */
export async function providerReport(
  source?: string,
  { method = "grad-cam", ...options }: ReportOptions = {},
): Promise<ProviderReport> {
  const name = methodName(method);
  const folder = await mkdtemp(path.join(tmpdir(), "gradcam-providers-"));
  try {
    const ort = profiling(await loadRuntime(), folder);
    const { explainer } = await openFileBy(ort, source, options);
    await tryOnce(ort, explainer, name);
    return report(explainer, name, await placements(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Its sessions write what they have run into a folder, a file each, when they are released. */
function profiling(ort: NodeRuntime, folder: string): NodeRuntime {
  let count = 0;
  const create = async (bytes: Uint8Array, options: Parameters<typeof ort.InferenceSession.create>[1]) => {
    const profileFilePrefix = path.join(folder, `${count++}`);
    const session: Session = await ort.InferenceSession.create(withNodeNames(bytes), {
      ...options,
      ...{ enableProfiling: true, profileFilePrefix },
    });
    const release = session.release.bind(session);
    session.release = async () => {
      session.endProfiling();
      await release();
    };
    return session;
  };
  return { ...ort, InferenceSession: { create: create as typeof ort.InferenceSession.create } };
}

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly args?: { readonly provider?: string; readonly op_name?: string; readonly node_index?: string };
}

async function placements(folder: string): Promise<Placement[]> {
  const files = (await readdir(folder)).sort();
  const all = files.map(async (file) => inOne(JSON.parse(await readFile(path.join(folder, file), "utf8"))));
  return (await Promise.all(all)).flat();
}

const kernel = "_kernel_time";

/** A node has an event for each time that it ran. */
function inOne(events: readonly Event[]): Placement[] {
  const providers = new Map<string, Map<string, { node: string; operator: string }>>();
  for (const { cat, name, args } of events) {
    if (cat !== "Node" || !args?.provider || !name.endsWith(kernel)) continue;
    const nodes = providers.get(args.provider) ?? new Map();
    providers.set(args.provider, nodes);
    const node = name.slice(0, -kernel.length);
    nodes.set(`${args.node_index} ${node}`, { node, operator: args.op_name ?? "" });
  }
  return [...providers].map(([provider, nodes]) => ({ provider, count: nodes.size, nodes: [...nodes.values()] }));
}
