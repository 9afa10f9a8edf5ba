/** @file Maps at every layer from one run: the same as those that are asked one by one. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { EveryLayer } from "../../src/explain/every-layer.ts";
import { placeByPlace } from "../../src/methods/layer-map.ts";
import type { LayerMap } from "../../src/methods/method.ts";
import { images, squeezeExcite, unet, vgg } from "../nets.ts";
import { apart, numbers, open } from "./ask.ts";

const hiResCam: LayerMap = (parts) => parts.build.relu(placeByPlace(parts));

test.each([
  ["squeezeExcite", squeezeExcite, "grad-cam", undefined],
  ["vgg", vgg, "grad-cam", undefined],
  ["unet", unet, "grad-cam", undefined],
  ["vgg", vgg, "hires-cam", hiResCam],
] as const)("%s by %#", async (_, net, method, map) => {
  const explainer = await open(net());
  const every = await EveryLayer.open(ort, explainer, map);
  expect(every.layers).toEqual(explainer.layers);
  const forward = await explainer.forward(images());
  for (const target of [1, { for: 2, against: 0 }, { counterfactual: 1 }] as const) {
    const maps = await every.explain(forward, target);
    for (const [i, { name }] of every.layers.entries()) {
      const alone = await explainer.explain(images(), { target, layer: name, method });
      expect(maps[i].dims).toEqual(alone.maps.dims);
      expect(apart([...maps[i].data], numbers(alone.maps))).toBeLessThan(1e-6);
    }
  }
  await every.release();
  await explainer.release();
});
