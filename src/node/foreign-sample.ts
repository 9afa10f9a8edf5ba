/** @file Files that are no picture, sound or array: what they are, in the error of whatever could not read them. */
import { open } from "node:fs/promises";
import { UserError } from "../errors.ts";
import { foreignSample } from "../onnx/foreign.ts";

/** The error, or one that says what the file is and what to do with it, where that can be told. */
export async function toldOf(error: unknown, source: string | Uint8Array): Promise<unknown> {
  if (!(error instanceof UserError) || !/^invalid-(image|input)$/.test(error.code)) return error;
  const bytes = typeof source === "string" ? await beginning(source) : source;
  const told = bytes?.length && foreignSample(bytes);
  if (!told) return error;
  const name = typeof source === "string" ? source : "(bytes)";
  return new UserError(error.code, `${error.message.split(" ", 2).join(" ")} ${name}: ${told}`, { cause: error });
}

async function beginning(file: string): Promise<Uint8Array | undefined> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(4096), 0, 4096, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
