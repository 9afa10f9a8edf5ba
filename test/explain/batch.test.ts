/** @file A result does not depend on the batch that it was computed in, nor on its place there; and a question asked again has the same answer. */
import { expect, test } from "vitest";
import { classMethods, quickly } from "../class-methods.ts";
import { gap, images, squeezeExcite, vgg } from "../nets.ts";
import { apart, ask, open, rows } from "./ask.ts";

const nets = { gap, vgg, squeezeExcite };
const all = images(3);
const [whole] = Object.values(all);
const size = 3 * 8 * 8;
const alone = (i: number) => {
  const feeds = images(1);
  (feeds.x.data as Float32Array).set((whole.data as Float32Array).subarray(i * size, (i + 1) * size));
  return feeds;
};

test.each(classMethods.flatMap(({ name }) => Object.entries(nets).map(([net, make]) => [name, net, make] as const)))(
  "%s of %s",
  async (method, _, make) => {
    const explainer = await open(make());
    const together = rows((await explainer.explain(all, { method, ...quickly(method), target: [1, 3, 1] })).maps);
    for (const i of [2, 0, 1]) {
      const { maps } = await explainer.explain(alone(i), { method, ...quickly(method), target: [[1, 3, 1][i]] });
      expect(apart(rows(maps)[0], together[i])).toBeLessThan(1e-5);
    }
    await explainer.release();
    const again = rows((await ask(make(), all, { method, ...quickly(method), target: [1, 3, 1] })).maps);
    expect(again).toEqual(together);
  },
);
