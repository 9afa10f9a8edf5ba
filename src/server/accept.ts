/** @file What an Accept header prefers of what can be sent. */

/** The preferred of `offered`, the first of equals; undefined where none is acceptable. */
export function preferred<T extends string>(accept: string | undefined, offered: readonly T[]): T | undefined {
  const wishes = (accept?.trim() || "*/*").split(",").map((wish) => {
    const [range, ...parameters] = wish.split(";").map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    return { range, q: q === undefined ? 1 : Number(q) || 0 };
  });
  const quality = (type: T): number => {
    const ranges = [type, `${type.split("/")[0]}/*`, "*/*"]; // the most specific counts
    const found = ranges.map((range) => wishes.find((wish) => wish.range === range)).find((wish) => wish);
    return found?.q ?? 0;
  };
  const best = offered.reduce((a, b) => (quality(b) > quality(a) ? b : a));
  return quality(best) > 0 ? best : undefined;
}
