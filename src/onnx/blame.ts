/** @file Whose fault an error is: about a model that ONNX Runtime cannot run either, it is the model's. */
import { UserError } from "../errors.ts";
import { product } from "./dims.ts";
import type { Model } from "./model.ts";
import type { Observed } from "./observe.ts";
import { reason } from "./reason.ts";
import { openSession, type Runtime, readable, type SessionOptions } from "./runtime.ts";
import { typeName } from "./types.ts";
import { arrayOf } from "./zeros.ts";

/**
 * Ends what failed while a gradient was built. Some mistakes in a model (weights of a wrong shape) are told by no shape inference: they
 * come out when a rule meets them, or when the model runs. So the model is run, on zeros.
 * @throws UserError `invalid-model` if it cannot; else the error that was given.
 */
export async function blame(
  ort: Runtime,
  model: Model,
  tensors: Observed,
  options: SessionOptions,
  error: unknown,
): Promise<never> {
  if (error instanceof UserError) throw error;
  const session = await openSession(ort, model.bytes, options);
  try {
    const feeds = model.inputs.map(({ name }) => {
      const { type = 0, dims = [] } = tensors.get(name) ?? {};
      const shape = dims.map((d) => Math.max(d, 1));
      return [name, new ort.Tensor(typeName(type) as "float32", arrayOf(type, product(shape)) as Float32Array, shape)];
    });
    await session.run(await readable(session, Object.fromEntries(feeds)), model.outputs).catch((cause: unknown) => {
      throw new UserError("invalid-model", `invalid model: ONNX Runtime cannot run it: ${reason(cause)}`, { cause });
    });
  } finally {
    await session.release();
  }
  throw error;
}
