/** @file Mean activation inside and outside of the thing (Selvaraju et al. 2017, section 7.1, on DenseCap's regions): uniform is 1. */
import { meansApart } from "../../image/inside-outside.ts";
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
  measure: each(({ objects, onPicture }) => {
    const means = meansApart(onPicture, coverage(objects, onPicture.width, onPicture.height).data);
    if (!means) return undefined;
    const { inside, outside } = means;
    return outside > 0 ? { ratio: inside / outside, contained: 0 } : { contained: inside > 0 ? 1 : 0 };
  }),
};
