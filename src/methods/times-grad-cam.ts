/** @file Fine structure where the evidence is: a gradient at the pixels by some rules, times the upsampled Grad-CAM map. */
import { UserError } from "../errors.ts";
import { upsample } from "../image/geometry.ts";
import { product } from "../onnx/dims.ts";
import { gradCamMap } from "./grad-cam.ts";
import type { GraphQuestion, Method } from "./method.ts";
import { strongestChannel } from "./pixels.ts";
import { upsampled } from "./upsampled.ts";

type ProductAbout<Name extends string> = Omit<Method<Name>, "space" | "explain" | "graph" | "family">;

export function timesGradCam<Name extends string>(rules: "guided" | "deconv", about: ProductAbout<Name>): Method<Name> {
  const refuse = (seen: string) =>
    new UserError("invalid-option", `${about.name} takes pictures; the input has ${seen}`);
  return {
    ...about,
    family: "gradient",
    space: "pixels",
    async explain(question) {
      const maps = await question.atLayer(gradCamMap);
      const fine = await question.atInput(rules);
      const [m, channels, ...grid] = fine.dims;
      if (grid.length !== 2) throw refuse(`${grid.length} spatial dimensions`);
      const [size, cells] = [product(grid), product(maps.dims.slice(1))];
      const data = new Float32Array(fine.data.length);
      for (let i = 0; i < m; i++) {
        const own = maps.data.subarray(i * cells, (i + 1) * cells);
        const map = upsample(own, [maps.dims[1], maps.dims[2]], [grid[0], grid[1]]);
        for (let at = i * channels * size; at < (i + 1) * channels * size; at++)
          data[at] = fine.data[at] * map[at % size];
      }
      const pixels = { data, dims: fine.dims };
      return { maps: strongestChannel(pixels), pixels };
    },
    graph(question: GraphQuestion) {
      const { build } = question;
      const map = question.atLayer(gradCamMap);
      const fine = question.atInput(rules);
      if (fine.dims?.length !== 4) throw refuse(`shape [${fine.dims}]`);
      return { pixels: build.mul(fine, upsampled(build, about.name, build.unsqueeze(map, [1]), fine)) };
    },
  };
}
