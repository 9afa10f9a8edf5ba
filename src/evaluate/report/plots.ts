/** @file Plots of figures, by Observable Plot in a document that is no browser's: SVG that needs nothing. */
import type * as PlotModule from "@observablehq/plot";
import { missingPackage } from "../../errors.ts";
import { type Html, raw } from "../../render/html.ts";
import type { Figure } from "../summary.ts";

/** Draws one metric's figures. */
export type Plotter = (figures: readonly Figure[], methods: readonly string[]) => Html;

/** Figures that are stations of one way, and drawn as lines: those of this many or more. */
const line = 4;

/** @throws UserError `missing-package` */
export async function openPlotter(): Promise<Plotter> {
  const { Plot, document } = await loadPlot();
  const common = { document, marginTop: 8, style: { fontFamily: "inherit", fontSize: "12px" } } as const;
  const draw = (options: PlotModule.PlotOptions): Html => {
    const drawn = Plot.plot({ ...common, ...options } as PlotModule.PlotOptions);
    drawn.setAttribute("role", "img");
    return raw(drawn.outerHTML);
  };

  const intervals: Plotter = (figures, methods) =>
    draw({
      width: 640,
      height: 34 + 26 * methods.length * new Set(figures.map(({ figure }) => figure)).size,
      marginLeft: 150,
      marginRight: 90,
      x: { label: null, ticks: 5, grid: true, nice: true },
      y: { label: null, domain: [...methods], tickSize: 0 },
      fy: { label: null, domain: [...new Set(figures.map(({ figure }) => figure))], padding: 0.12 },
      marks: [
        Plot.ruleY(figures, { y: "method", fy: "figure", x1: "low", x2: "high", strokeWidth: 1.5 }),
        Plot.dot(figures, { y: "method", fy: "figure", x: "value", r: 4, fill: "currentColor" }),
      ],
    });

  const ways: Plotter = (figures, methods) => {
    const stations = [...new Set(figures.map(({ figure }) => figure))].filter((name) => name !== "mean");
    const on = figures.filter(({ figure }) => figure !== "mean");
    return draw({
      width: 640,
      height: 280,
      marginLeft: 40,
      marginRight: 20,
      marginBottom: 60,
      x: { label: null, domain: stations, tickRotate: -20, tickSize: 0, type: "point" },
      y: { label: null, grid: true, ticks: 5, nice: true, zero: true },
      color: { domain: [...methods], range: palette },
      marks: [
        Plot.ruleY([0], { strokeOpacity: 0.4 }),
        Plot.areaY(on, { x: "figure", y1: "low", y2: "high", fill: "method", fillOpacity: 0.1 }),
        Plot.line(on, { x: "figure", y: "value", stroke: "method", strokeWidth: 2 }),
      ],
    });
  };

  return (figures, methods) => {
    const names = new Set(figures.map(({ figure }) => figure));
    return names.size >= line ? ways(figures, methods) : intervals(figures, methods);
  };
}

/** Told apart by most eyes, on white and on black (Okabe and Ito 2008, without black and yellow). */
export const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];

async function loadPlot() {
  try {
    const [Plot, { parseHTML }] = await Promise.all([import("@observablehq/plot"), import("linkedom")]);
    return { Plot, document: parseHTML("<!doctype html><html></html>").document };
  } catch (cause) {
    throw missingPackage(["@observablehq/plot", "linkedom"], "which draw the report", cause);
  }
}
