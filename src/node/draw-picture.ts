/** @file A picture's explanations: overlays in the picture's own size, and a panel with a row or a cell for each question. */
import { encodePng, rasterise } from "../image/sharp.ts";
import { heat } from "../render/overlay.ts";
import type { Cell } from "../render/panel.ts";
import { type FigureRow, figureOf, panelCell, view, visible } from "../tasks/classify/figure.ts";
import { boxedView, boxesTogether, detectionDetail, sheetOf } from "../tasks/detect/figure.ts";
import { maskedView } from "../tasks/segment/figure.ts";
import { type Draw, mostRows, views } from "./drawing.ts";

export const drawPicture: Draw<"picture"> = (why, options) => {
  const { colormap, views: drawn = views, compression } = options;
  const { detections } = why;
  // By question, for two classes may bear one name, and two boxes are of one class.
  const rows = new Map<string, FigureRow & { readonly cells: Cell[] }>();
  return {
    async draw(e) {
      const plain = drawn.some((one) => one !== "heat") ? view(e, why, { colormap }) : undefined;
      const seen = plain && maskedView(plain, why, e);
      const boxed = (named: boolean, on = seen) => (on && detections ? boxedView(on, why, e, { named }) : on);
      if (seen && drawn.includes("panel") && (rows.size < mostRows || rows.has(e.target))) {
        const detail = detections && { detail: detectionDetail(detections, e) };
        const row = rows.get(e.target) ?? { class: e.class, question: e.question, ...detail, cells: [] };
        rows.set(e.target, row);
        row.cells.push(e.blank ? { blank: e.blank } : await encodePng(boxed(false, panelCell(seen)) ?? seen));
      }
      const overlay = drawn.includes("overlay") ? boxed(true) : undefined;
      return {
        ...(overlay && { overlay: await encodePng(overlay, { compression }) }),
        ...(drawn.includes("heat") && { heat: await encodePng(heat(visible(e), { colormap })) }),
      };
    },
    together: async () =>
      detections?.length ? encodePng(boxesTogether(why, { colormap }), { compression }) : undefined,
    panel: async () => {
      // Where each question has one map, the input need not stand beside every one of them.
      const asked = new Set(why.explanations.map(({ target }) => target));
      if (detections && asked.size === why.explanations.length)
        return rasterise(sheetOf(why, [...rows.values()], options), { scale: 2 });
      const input = await encodePng(panelCell(why.picture));
      return rasterise(figureOf(why, [...rows.values()], input, options), { scale: 2 });
    },
  };
};
