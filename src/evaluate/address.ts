/** @file A model behind an address (http, https): fetched once to this machine, and kept for the workers that open it. */
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { UserError } from "../errors.ts";
import { exists, readBytes, writeWhole } from "../node/files.ts";

export const isAddress = (location: string): boolean => /^https?:\/\//.test(location);

/** Milliseconds after which a server is given up. */
const patience = 300_000;

/**
 * A place as it is, or where the file behind an address now lies.
 * @param sha256 of the file, where it is known: what was fetched before and is the same is not fetched again.
 * @throws UserError `missing-file`
 */
export async function localModel(location: string | undefined, sha256?: string): Promise<string | undefined> {
  if (location === undefined || !isAddress(location)) return location;
  if (!URL.canParse(location))
    throw new UserError(
      "invalid-option",
      `invalid --model: ${location} is no address; allowed are http(s)://host/path`,
    );
  const name = path.posix.basename(new URL(location).pathname) || "model.onnx";
  const file = path.join(tmpdir(), "gradcam-models", hex(Buffer.from(location)).slice(0, 16), name);
  if (sha256 !== undefined && (await exists(file)) && hex(await readBytes(file, "model")) === sha256) return file;
  await writeWhole(file, await fetched(location));
  return file;
}

const hex = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function fetched(location: string): Promise<Uint8Array> {
  const response = await fetch(location, { signal: AbortSignal.timeout(patience) }).catch((cause: Error) => {
    throw new UserError("missing-file", `missing model: ${location}: ${cause.message}`, { cause });
  });
  if (!response.ok)
    throw new UserError("missing-file", `missing model: ${location}: the server says ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
