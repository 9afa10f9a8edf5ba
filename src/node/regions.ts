/** @file The mask files that questions name, "region:door.png", as pictures of their own size. */
import { UserError } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import { type DecodeOptions, decode } from "../image/sharp.ts";
import { parseQuestion } from "../tasks/questions.ts";

/**
 * @param given regions that need no file
 * @throws UserError `invalid-input` for what is no picture
 */
export async function readRegions(
  targets: readonly string[],
  given: Readonly<Record<string, Picture>> = {},
  { canvas: _, ...decoding }: DecodeOptions = {},
): Promise<Readonly<Record<string, Picture>>> {
  const asked = targets.flatMap((target) => {
    const question = parseQuestion(target);
    return [question, ...(question.rather ? [question.rather] : [])];
  });
  const files = asked.flatMap(({ kind, of }) => (kind === "region" && !Object.hasOwn(given, of) ? [of] : []));
  const read = [...new Set(files)].map(async (file) => [file, await readRegion(file, decoding)] as const);
  return { ...given, ...Object.fromEntries(await Promise.all(read)) };
}

async function readRegion(file: string, decoding: DecodeOptions): Promise<Picture> {
  try {
    return await decode(file, decoding);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    const text = `invalid region: ${cause.message}; expected a mask of the picture's size, black outside of the region`;
    throw new UserError("invalid-input", text, { cause });
  }
}
