/** @file Guided Grad-CAM (Selvaraju et al. 2017, section 3.2): guided backpropagation times the upsampled Grad-CAM map. */
import { UserError } from "../errors.ts";
import { upsample } from "../image/geometry.ts";
import { product } from "../onnx/dims.ts";
import { gradCamMap } from "./grad-cam.ts";
import type { GraphQuestion, Method } from "./method.ts";
import { strongestChannel } from "./pixels.ts";
import { upsampled } from "./upsampled.ts";

export const guidedGradCam: Method<"guided-grad-cam"> = {
  name: "guided-grad-cam",
  title: "Guided Grad-CAM",
  summary:
    "Fine structure where the evidence for the class is. Inherits guided backpropagation's failure of the sanity checks.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
  family: "gradient",
  cost: "those of Grad-CAM and of guided backpropagation, about 4",
  space: "pixels",
  async explain(question) {
    const maps = await question.atLayer(gradCamMap);
    const guided = await question.atInput("guided");
    const [m, channels, ...grid] = guided.dims;
    if (grid.length !== 2)
      throw new UserError(
        "invalid-option",
        `guided-grad-cam takes pictures; the input has ${grid.length} spatial dimensions`,
      );
    const [size, cells] = [product(grid), product(maps.dims.slice(1))];
    const data = new Float32Array(guided.data.length);
    for (let i = 0; i < m; i++) {
      const map = upsample(
        maps.data.subarray(i * cells, (i + 1) * cells),
        [maps.dims[1], maps.dims[2]],
        [grid[0], grid[1]],
      );
      for (let at = i * channels * size; at < (i + 1) * channels * size; at++)
        data[at] = guided.data[at] * map[at % size];
    }
    const pixels = { data, dims: guided.dims };
    return { maps: strongestChannel(pixels), pixels };
  },
  graph(question: GraphQuestion) {
    const map = question.atLayer(gradCamMap);
    const guided = question.atInput("guided");
    if (guided.dims?.length !== 4)
      throw new UserError("invalid-option", `guided-grad-cam takes pictures; the input has shape [${guided.dims}]`);
    return {
      pixels: question.build.mul(
        guided,
        upsampled(question.build, "guided-grad-cam", question.build.unsqueeze(map, [1]), guided),
      ),
    };
  },
};
