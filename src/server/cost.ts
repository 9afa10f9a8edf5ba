/** @file What a question asks for, counted before it is computed: maps, and pixels that are drawn. */
import { UserError } from "../errors.ts";
import { encodedSize } from "../image/dimensions.ts";
import type { Size } from "../image/geometry.ts";
import type { Job } from "./work.ts";

/** Above these a job is long: it holds its thread for seconds. */
const long = { maps: 8, pixels: 20e6 } as const;
/** A sentence's words, where all of them are asked for. */
const usualWords = 10;

/** The maps that are asked for, at most. */
export function mapsOf({ task, question }: Pick<Job, "task" | "question">): number {
  const { methods = ["grad-cam"] } = question;
  const asked = { explain: "classes", ask: "answers", caption: "words" } as const;
  const queries = (question as Partial<Record<string, readonly (string | number)[]>>)[asked[task]];
  const usual = task === "caption" ? usualWords : 1;
  const each = queries?.map((query) => Number(/^top(\d+)$/.exec(String(query))?.[1] ?? 1)) ?? [usual];
  return new Set(methods).size * each.reduce((sum, count) => sum + count, 0);
}

/** How often each pixel of the canvas is passed for one map: where the map lies, and each picture of it. */
export function passesOf({ question, accept }: Pick<Job, "question" | "accept">): number {
  const views = accept === "image/png" ? ["overlay"] : ("include" in question && question.include) || [];
  // A panel shows what an overlay shows.
  return 1 + new Set(views.map((view) => (view === "panel" ? "overlay" : view))).size;
}

/** @throws UserError `too-large` where more is to be drawn than one request may have. */
export function checkRendering({ width, height }: Size, maps: number, passes: number, most: number): void {
  const pixels = width * height * maps * passes;
  if (pixels > most)
    throw new UserError(
      "too-large",
      `too large answer: ${maps} maps of ${width} x ${height}, passed ${passes} times, are ${pixels} pixels, allowed ${most}; ask for fewer classes, methods or pictures, or send a smaller picture (raise with --max-render)`,
    );
}

/** Whether a job holds its thread for long, so that others should not wait behind it. */
export function isLong(job: Omit<Job, "id">, canvas: number): boolean {
  const maps = mapsOf(job);
  const { width, height } = encodedSize(job.file) ?? { width: 1, height: 1 };
  const pixels = Math.min(canvas, width * height) * maps * passesOf(job);
  return maps > long.maps || pixels > long.pixels || (job.question.methods ?? []).includes("occlusion");
}
