/** @file Which ONNX files of a directory make up a model: exporters write each part in several precisions, under several names. */
import { listing, UserError } from "../../errors.ts";

/** The precisions of transformers.js. */
export const dtypes = ["fp32", "fp16", "q8", "int8", "uint8", "q4", "q4f16", "bnb4"] as const;
export type Dtype = (typeof dtypes)[number];

/** How it ends the names of files. */
const endingOf = (dtype: Dtype): string => (dtype === "fp32" ? "" : dtype === "q8" ? "_quantized" : `_${dtype}`);

/** Where a part's file may be in one precision: in `onnx/`, or beside the configuration. */
export const placesOf = (parts: readonly string[], dtype: Dtype): string[] =>
  parts.map((part) => `${part}${endingOf(dtype)}.onnx`).flatMap((file) => [`onnx/${file}`, file]);

/**
 * The file of a part: that of the precision that is asked for, or else the one in full precision, or else the only one.
 * @param parts what it may be called, without its ending, the one that is liked best first
 * @returns undefined where there is none
 * @throws UserError `missing-file` where there is none of the precision but of others, or where there are several to choose from.
 */
export async function partFile(
  files: { path(file: string): string; has(file: string): Promise<boolean> },
  parts: readonly string[],
  dtype: Dtype | undefined,
): Promise<string | undefined> {
  const inPrecision = async (one: Dtype): Promise<string | undefined> => {
    for (const place of placesOf(parts, one)) if (await files.has(place)) return place;
    return undefined;
  };
  const wanted = await inPrecision(dtype ?? "fp32");
  if (wanted) return wanted;
  const others = new Map<Dtype, string>();
  for (const other of dtypes) {
    const file = await inPrecision(other);
    if (file) others.set(other, file);
  }
  if (others.size === 0) return undefined;
  const [only] = others.values();
  if (dtype === undefined && others.size === 1) return only;
  const directory = files.path("");
  const names = listing([...others].map(([other, file]) => `${file} (${other})`));
  const message = dtype
    ? `missing model: ${directory}: no ${placesOf(parts, dtype)[0]}; it has ${names}`
    : `missing dtype: ${directory} has ${names}; name one of ${[...others.keys()].join(", ")}`;
  throw new UserError("missing-file", message);
}

/** Of a file of a part. */
export const dtypeOf = (file: string): Dtype =>
  dtypes.find((dtype) => dtype !== "fp32" && file.endsWith(`${endingOf(dtype)}.onnx`)) ?? "fp32";
