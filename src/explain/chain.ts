/** @file The parts of a joined model, run one after the other, so that what comes first runs once for all that is asked behind it. */

import { openExtended } from "../onnx/append.ts";
import { type Connections, type Part, within } from "../onnx/compose.ts";
import { observe } from "../onnx/observe.ts";
import { makeValueInfo } from "../onnx/proto.ts";
import { placed, usesWebGpu } from "../onnx/provider.ts";
import {
  type Feeds,
  overPreset,
  type Runtime,
  run,
  type Session,
  type SessionOptions,
  shapesOf,
} from "../onnx/runtime.ts";

/** Parts run in turn: the threads of one must not spin on the cores that the next needs. */
export const quiet: SessionOptions = { extra: { session: { intra_op: { allow_spinning: "0" } } } };

/** One part, ready to run. Tensors go by their names in the whole. */
export class Link {
  #session: Promise<Session> | undefined;
  #options: Promise<SessionOptions | undefined> | undefined;
  #outputs = new Set<string>();

  constructor(
    private readonly ort: Runtime,
    private readonly part: Part,
    private readonly connections: Connections,
    private readonly options: SessionOptions = {},
  ) {}

  /** Whether the part makes a tensor. */
  makes(name: string): boolean {
    return this.#inner(name) !== undefined;
  }

  /** What the part makes of the tensors known so far. */
  async run(known: Feeds, wanted: Iterable<string>): Promise<Feeds> {
    const { name: part, model } = this.part;
    const inner = [...new Set(wanted)].map((name) => this.#inner(name)).filter((name) => name !== undefined);
    // What is given under an input's own name is taken before what it is connected to: a state after its first step.
    const given = (input: string) => known[input] ?? known[this.#source(input)];
    const feeds = Object.fromEntries(model.inputs.map(({ name }) => [name, given(within(part, name))]));
    const session = await this.#open(inner, feeds);
    const results = await run(session, feeds, inner);
    return Object.fromEntries(inner.map((name) => [within(part, name), results[name]]));
  }

  async release(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await (await session)?.release();
  }

  #source(name: string): string {
    return this.connections[name] === undefined ? name : this.#source(this.connections[name]);
  }

  #inner(name: string): string | undefined {
    const prefix = within(this.part.name, "");
    const inner = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
    return inner !== undefined && this.part.model.producer.has(inner) ? inner : undefined;
  }

  /** A session with these outputs at least; where an earlier one lacks some, it makes room for one with all. */
  async #open(outputs: readonly string[], feeds: Feeds): Promise<Session> {
    const { model } = this.part;
    if (this.#session && outputs.every((name) => this.#outputs.has(name))) return this.#session;
    await this.release();
    for (const name of [...model.outputs, ...outputs]) this.#outputs.add(name);
    const added = [...this.#outputs].filter((name) => !model.outputs.includes(name)).map((name) => makeValueInfo(name));
    const extension = { nodes: [], initializers: [], inputs: [], outputs: added };
    this.#options ??= this.#placed(feeds);
    this.#session = this.#options.then((options) =>
      openExtended(this.ort, model.bytes, extension, overPreset(quiet, options ?? {})),
    );
    return this.#session;
  }

  /** A part that WebGPU cannot run is on the processor, whatever the others are. */
  async #placed(feeds: Feeds): Promise<SessionOptions | undefined> {
    const { ort, options } = this;
    const { model } = this.part;
    if (!usesWebGpu(options)) return options;
    return (await placed(ort, model, await observe(ort, model, shapesOf(feeds), options), options)).session;
  }
}
