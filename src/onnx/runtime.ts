/** @file Making and running sessions of the host's ONNX Runtime. */
import { expects, isRecord } from "../errors.ts";
import { checkRunning } from "./aborts.ts";
import { byName, fetchedAs } from "./alias.ts";
import type { Feeds, Origin, Runtime, Session, SessionOptions, Tensor } from "./ort.ts";
import { usesWebGpu } from "./provider.ts";
import { isOwnHalf, readable } from "./readable.ts";
import { hasArray, typeFromName } from "./types.ts";

export type { Feeds, Runtime, Session, SessionOptions, Tensor };

/** Which runtime made a session. */
const makers = new WeakMap<Session, Runtime>();

/** What has made a session. */
const started = new WeakSet<object>();

const origins = new WeakMap<Session, Origin>();

const runtimes = "ONNX Runtime's namespace, import * as ort";

/**
 * Makes a session. Warnings of ONNX Runtime stay quiet unless the options ask for them.
 * @param of the model, where the session holds what was added to it or taken from it
 * @throws UserError `invalid-model` with the runtime's reason; an InternalError where the runtime takes the model by itself.
 */
export async function openSession(
  ort: Runtime,
  bytes: Uint8Array,
  options: SessionOptions = {},
  of?: Origin["model"],
): Promise<Session> {
  expects(typeof ort?.InferenceSession?.create === "function", "runtime", ort, runtimes);
  checkRunning(ort);
  const origin = of && { ort, model: of, options };
  try {
    const create = (given: SessionOptions) => ort.InferenceSession.create(bytes, { logSeverityLevel: 3, ...given });
    const opening = usesWebGpu(options)
      ? (await import("./device.ts")).onDevice(ort, options, create)
      : create(options);
    const first =
      "document" in globalThis || "importScripts" in globalThis ? !started.has(ort.InferenceSession) : false;
    const session = await (first ? (await import("./missing-runtime.ts")).orForeign(opening) : opening);
    started.add(ort.InferenceSession);
    makers.set(session, ort);
    if (origin) origins.set(session, origin);
    return session;
  } catch (cause) {
    throw await (await import("./failure.ts")).notOpened(cause, { ort, model: { bytes }, options }, origin);
  }
}

/**
 * Runs a session.
 * @param fetches the outputs wanted, by default all; those that JavaScript has no array for are never fetched (sequences, maps, and types
 *   of a few bits, which end the process).
 * @throws UserError `invalid-input` with what ONNX Runtime says of the feeds; an InternalError where the model by itself runs on them.
 */
export async function run(
  session: Session,
  feeds: Feeds,
  fetches: readonly string[] = session.outputNames,
): Promise<Record<string, Tensor>> {
  const ort = makers.get(session);
  if (ort) checkRunning(ort);
  try {
    const given = ort && Object.values(feeds).some(isOwnHalf) ? await readable(ort, feeds) : feeds;
    const asked = fetchable(session, fetchedAs(fetches, session.outputNames));
    return byName((await session.run(given, asked)) as Record<string, Tensor>);
  } catch (cause) {
    const { notRun } = await import("./failure.ts");
    throw await notRun(cause, feeds, origins.get(session), { session, ort });
  }
}

function fetchable({ outputMetadata }: Partial<Session>, names: readonly string[]): readonly string[] {
  if (!outputMetadata) return names; // a runtime that says nothing of them
  const held = new Set(outputMetadata.flatMap((o) => (o.isTensor && hasArray(typeFromName(o.type)) ? [o.name] : [])));
  return names.filter((name) => held.has(name));
}

export const shapesOf = (feeds: Feeds): Record<string, number[]> =>
  Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims.map(Number)]));

/** Session options over presets; of `extra`, whose entries live in nested objects, both are kept. */
export function overPreset(preset: SessionOptions, options: SessionOptions): SessionOptions {
  return { ...preset, ...options, extra: merged(preset.extra ?? {}, options.extra ?? {}) };
}

function merged(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const both = Object.entries(b).map(([key, value]) => {
    const other = a[key];
    return [key, isRecord(other) && isRecord(value) ? merged(other, value) : value] as const;
  });
  return { ...a, ...Object.fromEntries(both) };
}
