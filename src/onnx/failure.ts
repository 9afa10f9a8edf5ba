/**
 * @file Whose fault it is that ONNX Runtime refuses a session or a run. Most sessions hold more than the user's model: where that model by
 * itself is taken, and runs on the same feeds, what was added is at fault, and that is ours.
 */
import { InternalError, UserError } from "../errors.ts";
import { reason } from "./reason.ts";
import type { Feeds, Origin, Session } from "./runtime.ts";

const create = ({ ort, model, options }: Origin): Promise<Session> =>
  ort.InferenceSession.create(model.bytes, { logSeverityLevel: 4, ...options });

/** @param origin the user's model, where what was opened is more than that */
export async function notOpened(cause: unknown, opened: Origin, origin?: Origin): Promise<Error> {
  const fault = origin ? await failed(() => create(origin).then((session) => session.release())) : cause;
  if (fault === undefined) return outOfMemory(cause) ?? ours(cause);
  const provider = await missingProvider(opened, fault);
  if (provider) return provider;
  const message = `invalid model: ONNX Runtime refuses it: ${reason(fault)}`;
  return outOfMemory(fault) ?? new UserError("invalid-model", message, { cause });
}

export async function notRun(cause: unknown, feeds: Feeds, origin?: Origin): Promise<Error> {
  const fault = origin ? await failed(() => runAlone(origin, feeds)) : cause;
  if (fault === undefined) return outOfMemory(cause) ?? ours(cause);
  const message = `invalid input: ONNX Runtime could not run the model on it: ${reason(fault)}`;
  return outOfMemory(fault) ?? new UserError("invalid-input", message, { cause });
}

/** Runs the user's model on its part of the feeds. Where they are not among them, it has run on them before. */
async function runAlone(origin: Origin, feeds: Feeds): Promise<void> {
  const session = await create(origin);
  try {
    const { inputNames, outputMetadata } = session;
    if (!inputNames.every((name) => feeds[name])) return;
    const one = outputMetadata.find(({ isTensor }) => isTensor)?.name;
    await session.run(Object.fromEntries(inputNames.map((name) => [name, feeds[name]])), one ? [one] : []);
  } finally {
    await session.release();
  }
}

/** What a promise fails with; undefined where it does not. */
const failed = (act: () => Promise<unknown>): Promise<unknown> =>
  act().then(
    () => undefined,
    (error: unknown) => error ?? "no reason",
  );

const ours = (cause: unknown): InternalError =>
  new InternalError(
    `ONNX Runtime takes the model, but not what gradcam adds to it (${reason(cause)}); please report it, with the model or a script that exports one like it`,
    { cause },
  );

function outOfMemory(cause: unknown): UserError | undefined {
  const said = cause instanceof Error ? cause.message : String(cause);
  if (!/fail\w* to allocate|bad_alloc|bad allocation|out of memory|allocation failed/i.test(said)) return undefined;
  const message =
    "too large: there is not enough memory to run the model on this input; give a smaller one, or fewer at a time";
  return new UserError("too-large", message, { cause });
}

/** Where the runtime opens the model once it may choose the processor, the execution provider that was asked for is what is missing. */
async function missingProvider(opened: Origin, cause: unknown): Promise<UserError | undefined> {
  const names = (opened.options.executionProviders ?? []).map((p) => (typeof p === "string" ? p : p.name));
  const others = names.filter((name) => name !== "cpu" && name !== "wasm");
  const { executionProviders, ...options } = opened.options;
  if (!executionProviders || others.length === 0) return undefined;
  if (await failed(() => create({ ...opened, options }).then((session) => session.release()))) return undefined;
  const message = `unavailable provider: ${others.join(", ")}: ${reason(cause)}; the model runs without it, on the processor`;
  return new UserError("invalid-option", message, { cause });
}
