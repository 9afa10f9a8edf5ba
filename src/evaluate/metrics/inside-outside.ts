/** @file Mean activation inside and outside of the thing (Selvaraju et al. 2017, section 7.1, on DenseCap's regions): uniform is 1. */
import { each, type Metric } from "./metric.ts";
import { coverage } from "./regions.ts";

export const insideOutside: Metric = {
  name: "inside-outside",
  title: "Inside / outside",
  summary:
    "The map's mean inside the annotated object divided by its mean outside; 1 is uniform. Maps with nothing outside are counted separately.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
  about: "annotated",
  needs: "boxes",
  better: "higher",
  measure: each(({ objects, onPicture: { data, width, height } }) => {
    const region = coverage(objects, width, height).data;
    const total = [0, 0];
    const count = [0, 0];
    for (let i = 0; i < data.length; i++) {
      if (Number.isNaN(data[i])) continue;
      total[region[i]] += Math.max(0, data[i]);
      count[region[i]]++;
    }
    if (count[0] === 0 || count[1] === 0) return undefined;
    const [outside, inside] = [total[0] / count[0], total[1] / count[1]];
    return outside > 0 ? { ratio: inside / outside, contained: 0 } : { contained: inside > 0 ? 1 : 0 };
  }),
};
