/** @file The parts of a joined model, run one after the other, so that what comes first runs once for all that is asked behind it. */

import { openExtended } from "../onnx/append.ts";
import { type Connections, type Part, within } from "../onnx/compose.ts";
import { makeValueInfo } from "../onnx/proto.ts";
import { type Feeds, overPreset, type Runtime, run, type Session, type SessionOptions } from "../onnx/runtime.ts";

/** Parts run in turn: the threads of one must not spin on the cores that the next needs. */
export const quiet: SessionOptions = { extra: { session: { intra_op: { allow_spinning: "0" } } } };

/** One part, ready to run. Tensors go by their names in the whole. */
export class Link {
  #session: Promise<Session> | undefined;
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
    const session = await this.#open(inner);
    // What is given under an input's own name is taken before what it is connected to: a state after its first step.
    const given = (input: string) => known[input] ?? known[this.#source(input)];
    const feeds = Object.fromEntries(model.inputs.map(({ name }) => [name, given(within(part, name))]));
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
  async #open(outputs: readonly string[]): Promise<Session> {
    const { model } = this.part;
    if (this.#session && outputs.every((name) => this.#outputs.has(name))) return this.#session;
    await this.release();
    for (const name of [...model.outputs, ...outputs]) this.#outputs.add(name);
    const added = [...this.#outputs].filter((name) => !model.outputs.includes(name)).map((name) => makeValueInfo(name));
    const extension = { nodes: [], initializers: [], inputs: [], outputs: added };
    this.#session = openExtended(this.ort, model.bytes, extension, overPreset(quiet, this.options));
    return this.#session;
  }
}
