/** @file The parts of a joined model, run one after the other, so that what comes first runs once for all that is asked behind it. */

import { fetching } from "../autodiff/adjoint.ts";
import { observedOn } from "../autodiff/prepare.ts";
import { openExtended } from "../onnx/append.ts";
import { type Connections, type Part, within } from "../onnx/compose.ts";
import { usesWebGpu } from "../onnx/provider.ts";
import { type Feeds, overPreset, type Runtime, run, type SessionOptions, shapesOf } from "../onnx/runtime.ts";
import { tensorOf } from "../onnx/tensors.ts";
import { quiet, type Sessions } from "./sessions.ts";

/** One part. Tensors go by their names in the whole. */
export class Stage {
  #placed: ReturnType<typeof observedOn> | undefined;
  /** What its session gives beside the part's own outputs: all that has been asked for. */
  readonly #outputs = new Set<string>();

  constructor(
    private readonly ort: Runtime,
    private readonly part: Part,
    private readonly connections: Connections,
    private readonly sessions: Sessions,
    private readonly options: SessionOptions = {},
  ) {}

  makes(name: string): boolean {
    return this.#inner(name) !== undefined;
  }

  /** What the part makes of the tensors known so far. */
  async run(known: Feeds, wanted: Iterable<string>): Promise<Feeds> {
    const { name: part, model } = this.part;
    const inner = [...new Set(wanted)].map((name) => this.#inner(name)).filter((name) => name !== undefined);
    // What is given under an input's own name is taken before what it is connected to: a state after its first step.
    const given = (input: string) => known[input] ?? known[this.#source(input)];
    const feeds: Feeds = {};
    for (const { name } of model.inputs) {
      const tensor = given(within(part, name));
      if (tensor) feeds[name] = tensor; // else the runtime says that it is missing
    }
    const recipe = await this.#giving(inner, feeds);
    const results = await this.sessions.use(recipe, ({ session }) => run(session, feeds, inner));
    return Object.fromEntries(inner.map((name) => [within(part, name), tensorOf(results, name)]));
  }

  #source(name: string): string {
    return this.connections[name] === undefined ? name : this.#source(this.connections[name]);
  }

  #inner(name: string): string | undefined {
    const prefix = within(this.part.name, "");
    const inner = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
    return inner !== undefined && this.part.model.producer.has(inner) ? inner : undefined;
  }

  /** A session with these outputs at least; one that lacks some makes room for one with all. */
  async #giving(outputs: readonly string[], feeds: Feeds) {
    const { model } = this.part;
    const before = this.#outputs.size;
    for (const name of outputs) if (!model.outputs.includes(name)) this.#outputs.add(name);
    if (before < this.#outputs.size) await this.sessions.retire([this, before]);
    const wanted = [...this.#outputs];
    const open = async () => {
      // A part that WebGPU cannot run is on the processor, whatever the others are.
      if (usesWebGpu(this.options)) this.#placed ??= observedOn(this.ort, model, shapesOf(feeds), this.options);
      const options = overPreset(quiet, (await this.#placed)?.session ?? this.options);
      return { session: await openExtended(this.ort, model.bytes, fetching(model, wanted), options) };
    };
    return { key: [this, wanted.length], bytes: model.bytes.length, open };
  }
}
