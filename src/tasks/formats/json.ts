/** @file JSON that somebody else wrote: bounded in bytes and in depth before it is parsed, so that no file can fill the memory or the stack. */
import { isRecord, UserError } from "../../errors.ts";

/** An object of a JSON file. */
export type Json = Readonly<Record<string, unknown>>;

/** One within another; {} where there is none. */
export const inner = (json: unknown, key: string): Json => {
  const value = isRecord(json) ? json[key] : undefined;
  return isRecord(value) ? value : {};
};

/** Of configurations, labels and tokenizers; the largest tokenizer.json in use has 33 MB. */
export const mostBytes = 64 * 2 ** 20;

/** Lists in lists of everything that is read here come to less than ten. */
const mostDepth = 64;

/**
 * @param most bytes
 * @throws UserError `too-large` for more bytes, `invalid-input` for what is nested too deeply, or is not JSON.
 */
export function boundedJson(bytes: Uint8Array, file: string, what: string, most = mostBytes): unknown {
  boundedSize(bytes.length, file, what, most);
  if (depthOf(bytes) > mostDepth)
    throw new UserError(
      "invalid-input",
      `invalid ${what}: ${file} is nested too deeply; at most ${mostDepth} levels are read`,
    );
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new UserError("invalid-input", `invalid ${what}: ${file} is not JSON (${(cause as Error).message})`, {
      cause,
    });
  }
}

/** @throws UserError `too-large` */
export function boundedSize(bytes: number, file: string, what: string, most = mostBytes): void {
  if (bytes > most)
    throw new UserError("too-large", `invalid ${what}: ${file} has ${bytes} bytes; at most ${most} are read`);
}

/** How deep brackets outside of strings lie in each other. */
function depthOf(bytes: Uint8Array): number {
  let [depth, deepest, quoted] = [0, 0, false];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (quoted) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return deepest;
}
