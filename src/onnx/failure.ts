/**
 * @file Whose fault it is that ONNX Runtime refuses a session or a run. Most sessions hold more than the user's model: where that model by
 * itself is taken, and runs on the same feeds, what was added is at fault, and that is ours.
 */
import { InternalError, UserError } from "../errors.ts";
import { abortOf } from "./aborts.ts";
import { isStatic, product } from "./dims.ts";
import { missingRuntime } from "./missing-runtime.ts";
import type { Feeds, Origin, Runtime, Session } from "./ort.ts";
import { providersOf, usesWebGpu } from "./provider.ts";
import { readable } from "./readable.ts";
import { reason } from "./reason.ts";
import { hasArray, typeFromName } from "./types.ts";
import { arrayOf } from "./zeros.ts";

const create = ({ ort, model, options }: Origin): Promise<Session> =>
  ort.InferenceSession.create(model.bytes, { logSeverityLevel: 4, ...options });

type Shapes = Readonly<Record<string, readonly number[]>>;

/** @param origin the user's model, where what was opened is more than that */
export async function notOpened(cause: unknown, opened: Origin, origin?: Origin): Promise<Error> {
  if (cause instanceof UserError) return cause;
  const runtime = stoppedBy(cause, opened.ort) ?? (await missingRuntime(cause));
  if (runtime) return runtime;
  // Before anything else is tried: a session on a lost device fails in ways that the runtime does not recover from.
  const lost =
    usesWebGpu(opened.options) && (await (await import("./device.ts")).lostDevice(opened.ort, undefined, cause));
  if (lost) return lost;
  const fault = origin ? await failure(() => onZeros(origin)) : { error: cause };
  if (!fault) return outOfMemory(cause) ?? ours(cause);
  const provider = await missingProvider(opened, fault.error);
  if (provider) return provider;
  const message = `invalid model: ONNX Runtime refuses it: ${reason(fault.error)}`;
  return outOfMemory(fault.error) ?? new UserError("invalid-model", message, { cause });
}

/** @param ran what failed, and what made it, where that is known */
export async function notRun(
  cause: unknown,
  feeds: Feeds,
  origin?: Origin,
  { session, ort }: { readonly session?: Session; readonly ort?: Runtime } = {},
): Promise<Error> {
  if (cause instanceof UserError) return cause;
  const stopped = stoppedBy(cause, ort);
  if (stopped) return stopped;
  const lost = ort && session && (await (await import("./device.ts")).lostDevice(ort, session, cause));
  if (lost) return lost;
  const fault = origin ? await failure(() => on(origin, feeds)) : { error: cause };
  if (!fault) return outOfMemory(cause) ?? ours(cause);
  const message = `invalid input: ONNX Runtime could not run the model on it: ${reason(fault.error)}`;
  return outOfMemory(fault.error) ?? new UserError("invalid-input", message, { cause });
}

/**
 * Ends what failed while a gradient was built. Some mistakes in a model (weights of a wrong shape) are told by no shape inference: they
 * come out when a rule meets them, or when the model runs. So the model is run, on zeros.
 * @throws UserError `invalid-model` if it cannot; else the error that was given.
 */
export async function blame(origin: Origin, error: unknown, shapes: Shapes): Promise<never> {
  const fault = error instanceof UserError ? undefined : await failure(() => onZeros(origin, shapes));
  if (!fault) throw error;
  const message = `invalid model: ONNX Runtime cannot run it: ${reason(fault.error)}`;
  throw new UserError("invalid-model", message, { cause: fault.error });
}

/** Runs the user's model on its part of the feeds. Where they are not among them, it has run on them before. */
const on = (origin: Origin, feeds: Feeds): Promise<void> =>
  withSession(origin, async (session) => {
    const { inputNames } = session;
    if (inputNames.every((name) => feeds[name]))
      await fetchOne(origin, session, Object.fromEntries(inputNames.map((name) => [name, feeds[name]])));
  });

/**
 * Runs the user's model on zeros of the given shapes, by input. Where more than the batch stays unknown, a size that fails would prove
 * nothing, and the model is only opened.
 */
const onZeros = (origin: Origin, shapes: Shapes = {}): Promise<void> =>
  withSession(origin, async (session) => {
    const feeds: Feeds = {};
    for (const input of session.inputMetadata) {
      if (!input.isTensor) return;
      const sizes = shapes[input.name] ?? input.shape;
      const dims = sizes.map((d, i) => (typeof d === "number" && d > 0 ? d : i === 0 ? 1 : -1));
      if (!isStatic(dims)) return;
      const zeros = arrayOf(typeFromName(input.type), product(dims)) as Float32Array;
      feeds[input.name] = new origin.ort.Tensor(input.type as "float32", zeros, dims);
    }
    await fetchOne(origin, session, feeds);
  });

async function withSession(origin: Origin, act: (session: Session) => Promise<void>): Promise<void> {
  const session = await create(origin);
  try {
    await act(session);
  } finally {
    await session.release();
  }
}

async function fetchOne({ ort }: Origin, session: Session, feeds: Feeds): Promise<void> {
  const one = session.outputMetadata.find((output) => output.isTensor && hasArray(typeFromName(output.type)));
  await session.run(await readable(ort, feeds), one ? [one.name] : []);
}

/** What a promise fails with; undefined where it does not. */
const failure = (act: () => Promise<unknown>): Promise<{ readonly error: unknown } | undefined> =>
  act().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );

const ours = (cause: unknown): InternalError =>
  new InternalError(
    `ONNX Runtime accepts the model, but not what gradcam adds to it (${reason(cause)}); please report it, with the model or a script that exports one like it`,
    { cause },
  );

/** An abort; nothing else may be tried then, for it would hang. */
function stoppedBy(cause: unknown, ort: Runtime | undefined): UserError | undefined {
  const abort = abortOf(ort, cause);
  return abort && (outOfMemory(cause) ?? abort);
}

function outOfMemory(cause: unknown): UserError | undefined {
  const said = cause instanceof Error ? cause.message : String(cause);
  if (!/fail\w* to allocate|bad_alloc|bad allocation|out of memory|allocation failed/i.test(said)) return undefined;
  const message =
    "too large: there is not enough memory to run the model on this input; use a smaller one, or fewer at a time";
  return new UserError("too-large", message, { cause });
}

/** Where the runtime opens the model once it may choose the processor, the execution provider that was asked for is what is missing. */
async function missingProvider(opened: Origin, cause: unknown): Promise<UserError | undefined> {
  const others = providersOf(opened.options).filter((name) => name !== "cpu" && name !== "wasm");
  const { executionProviders, ...options } = opened.options;
  if (!executionProviders || others.length === 0) return undefined;
  if (await failure(() => withSession({ ...opened, options }, async () => undefined))) return undefined;
  const message = `unavailable provider: ${others.join(", ")}: ${reason(cause)}; the model runs without it, on the processor`;
  return new UserError("invalid-option", message, { cause });
}
