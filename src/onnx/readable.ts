/** @file Half precision as the runtime that a session was made by reads it. */
import type { Feeds, Runtime, Tensor } from "./ort.ts";

/** The feeds as a runtime reads them, half precision too. */
export async function readable(ort: Runtime, feeds: Feeds): Promise<Feeds> {
  const { readableHalf } = await import("./halves.ts");
  const read = async (feed: Tensor) => (isOwnHalf(feed) ? await readableHalf(ort, feed) : feed);
  const entries = Object.entries(feeds).map(async ([name, feed]) => [name, await read(feed)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Whether a tensor holds half precision in an array of the platform's own, not in bit patterns; on another device it holds neither. */
export const isOwnHalf = (tensor: Tensor): boolean =>
  tensor.type === "float16" && (tensor.location ?? "cpu") === "cpu" && !(tensor.data instanceof Uint16Array);
