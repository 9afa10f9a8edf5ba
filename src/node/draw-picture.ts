/** @file A picture's explanations: overlays in the picture's own size, and a panel with a row for each class. */
import { encodePng, rasterise } from "../image/sharp.ts";
import { outlined } from "../render/outline.ts";
import { heat } from "../render/overlay.ts";
import type { Cell } from "../render/panel.ts";
import { type FigureRow, figureOf, panelCell, view, visible } from "../tasks/classify/figure.ts";
import { type Draw, mostRows, views } from "./drawing.ts";

export const drawPicture: Draw<"picture"> = (why, options) => {
  const { colormap, views: drawn = views, compression } = options;
  // By class, for two classes may bear one name.
  const rows = new Map<number, FigureRow & { readonly cells: Cell[] }>();
  return {
    async draw(e) {
      const plain = drawn.some((one) => one !== "heat") ? view(e, why, { colormap }) : undefined;
      const mask = e.region ?? (e.mask === undefined ? undefined : why.masks?.[e.mask]?.pixels);
      const seen = plain && mask ? outlined(plain, mask) : plain;
      if (seen && drawn.includes("panel") && (rows.size < mostRows || rows.has(e.class))) {
        const row = rows.get(e.class) ?? { class: e.class, question: e.question, cells: [] };
        rows.set(e.class, row);
        row.cells.push(e.blank ? { blank: e.blank } : await encodePng(panelCell(seen)));
      }
      return {
        ...(seen && drawn.includes("overlay") && { overlay: await encodePng(seen, { compression }) }),
        ...(drawn.includes("heat") && { heat: await encodePng(heat(visible(e), { colormap })) }),
      };
    },
    panel: async () => {
      const input = await encodePng(panelCell(why.picture));
      return rasterise(figureOf(why, [...rows.values()], input, options), { scale: 2 });
    },
  };
};
