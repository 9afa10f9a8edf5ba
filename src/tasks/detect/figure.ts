/** @file What a person looks at of a detector: its boxes on the picture, one for each explanation and all of them together. */
import type { Picture, PixelMap } from "../../image/picture.ts";
import { resample } from "../../image/resample.ts";
import { type BoxMark, drawBoxes } from "../../render/boxes.ts";
import type { ColormapName } from "../../render/colormap.ts";
import { normalise } from "../../render/normalise.ts";
import { overlay } from "../../render/overlay.ts";
import { type Cell, sheet } from "../../render/sheet.ts";
import { isLegible } from "../../render/text.ts";
import { type FigureRow, visible } from "../classify/figure.ts";
import type { ClassExplanation, Why } from "../classify/kinds.ts";
import { parseQuestion, topOf } from "../questions.ts";
import { mostBoxes } from "./box-questions.ts";
import type { Detection } from "./detections.ts";

/** Of an explanation, what says which boxes it is about. */
type About = Pick<ClassExplanation, "class" | "detection">;

/** The detections that an explanation is about: one, or all of its class. */
export const detectionsOf = (all: readonly Detection[], { class: c, detection }: About): Detection[] =>
  all.filter((one) => (detection === undefined ? one.class === c : one.index === detection));

/** What stands below a question's name: the score of its box, or how many boxes there are of its class. */
export function detectionDetail(all: readonly Detection[], about: About): string[] {
  const own = detectionsOf(all, about);
  if (own.length > 1) return [`${own.length} boxes`];
  return own.map((one) => `score ${score(one)}`);
}

/** A view of an explanation with its own boxes, named where there is room for names; the others are faint. */
export function boxedView(
  seen: Picture,
  { detections = [], geometry }: Pick<Why, "detections" | "geometry">,
  explanation: About,
  { named }: { readonly named: boolean },
): Picture {
  const own = detectionsOf(detections, explanation);
  const others = detections.slice(0, mostBoxes).filter((one) => !own.includes(one));
  const onto = scaled(geometry, seen);
  return drawBoxes(seen, [
    ...own.map((one) => ({ box: onto(one), ...(named && { label: nameOf(one), value: score(one) }) })),
    ...others.map((one) => ({ box: onto(one), faint: true })),
  ]);
}

/** The figure of questions with a map each as SVG: a cell for each, below one another only where there are many. */
export function sheetOf(
  { explanations, detections = [] }: Pick<Why, "explanations" | "detections">,
  rows: readonly FigureRow[],
  { colormap, caption }: { readonly colormap: ColormapName; readonly caption: string },
): string {
  const titles = [...new Set(explanations.map(({ methodTitle }) => methodTitle))];
  // Signed images have colours of their own.
  const coloured = explanations.some(({ blank, pixels }) => !blank && pixels?.dims[0] !== 3);
  const left = explanations.length > rows.length ? `, ${rows.length} of ${explanations.length} questions` : "";
  return sheet({
    title: `${titles.join(" and ")}, ${detections.length} ${detections.length === 1 ? "detection" : "detections"}`,
    lines: [],
    cells: rows.map(({ question, detail = [], cells: [cell] }, i) => ({
      ...{ label: question, cell: cell as Cell },
      detail: [...detail, ...(titles.length > 1 ? [explanations[i]?.methodTitle] : [])].join(", "),
    })),
    ...(coloured && { colorbar: { colormap, label: "fraction of each map's maximum", ticks: ["0", "0.5", "1"] } }),
    caption: `${caption}${left}`,
  });
}

/** One picture of all: the best boxes, numbered as they are asked for, over the largest value that any of their maps has. */
export function boxesTogether(
  {
    picture,
    geometry,
    detections = [],
    explanations,
  }: Pick<Why, "picture" | "geometry" | "detections" | "explanations">,
  colours: { readonly colormap: ColormapName },
): Picture {
  const maps = explanations.filter((one) => speaksFor(one.target));
  const [first] = maps;
  const joined = maps.filter(({ method }) => method === first?.method).map((one) => visible(one));
  const seen = enlarged(joined.length ? overlay(picture, largest(joined), colours) : picture);
  const onto = scaled(geometry, seen);
  const shown = detections.slice(0, mostBoxes);
  const marks = shown.map(
    (one): BoxMark => ({ box: onto(one), label: `${one.index} ${nameOf(one)}`, value: score(one) }),
  );
  return drawBoxes(seen, marks);
}

/** What is smaller than this across or down has no room for several names. */
const LEAST_SIDE = 480;
const MOST_TIMES = 16;
const MOST_SIDE = 4096;

function enlarged(small: Picture): Picture {
  const { width, height } = small;
  const times = Math.min(
    MOST_TIMES,
    Math.ceil(LEAST_SIDE / Math.min(width, height)),
    Math.floor(MOST_SIDE / Math.max(width, height)),
  );
  return times > 1 ? resample(small, width * times, height * times, "bilinear") : small;
}

/** Whether a question is for whole boxes: not for an edge, not against, not rather than another. */
function speaksFor(target: string): boolean {
  const { kind, of, rather, opposite } = parseQuestion(target);
  return !rather && !opposite && (kind === "class" || /^\d+$/.test(of) || topOf(of) !== undefined);
}

/** The maximum over maps, each divided by its own. */
function largest(maps: readonly PixelMap[]): PixelMap {
  const shares = maps.map(normalise);
  const [first, ...others] = shares as [PixelMap, ...PixelMap[]];
  const data = first.data.slice();
  for (const { data: values } of others)
    for (let i = 0; i < data.length; i++)
      if ((values[i] as number) > (data[i] as number)) data[i] = values[i] as number;
  return { ...first, data };
}

/** A name in a script that pictures are not written in would be a row of hollow boxes. */
const nameOf = ({ label, class: c }: Detection): string => (isLegible(label) ? label : `class ${c}`);

const score = ({ score: value }: Detection): string => value.toFixed(2);

/** A detection's box, in the pixels of a picture of the original that was shrunk. */
const scaled =
  ({ original }: Why["geometry"], { width, height }: Picture) =>
  ({ box: [x0, y0, x1, y1] }: Detection): Detection["box"] => {
    const [x, y] = [width / original.width, height / original.height];
    return [x0 * x, y0 * y, x1 * x, y1 * y];
  };
