/** @file What a question asks for, counted before it is computed: maps, and pixels that are drawn. */
import { UserError } from "../errors.ts";
import { encodedSize } from "../image/dimensions.ts";
import type { Size } from "../image/geometry.ts";
import { methods } from "../methods/index.ts";
import type { Job } from "./work.ts";

/** Above these a job takes a tenth of a second and more, for which the others of its run would wait. */
const alone = { maps: 4, pixels: 3e6, decoded: 3e6 } as const;
/** Above these it takes seconds. */
const long = { maps: 8, pixels: 20e6 } as const;
/** Methods that run the network many times. */
const ofManyRuns: ReadonlySet<string> = new Set(methods.filter(({ graph }) => !graph).map(({ name }) => name));
/** A sentence's words, where all of them are asked for. */
const usualWords = 10;

/**
 * The maps that are asked for, at most.
 * @param usual so many are made where nothing is asked for
 */
export function mapsOf(
  { task, question }: Pick<Job, "task" | "question">,
  usual = task === "caption" ? usualWords : 1,
): number {
  const { methods = ["grad-cam"] } = question;
  const asked = { explain: "classes", ask: "answers", caption: "words" } as const;
  const lists = question as Partial<Record<string, readonly (string | number)[]>>;
  const [chosen, targets] = [lists[asked[task]], lists.targets];
  const queries = chosen || targets ? [...(chosen ?? []), ...(targets ?? [])] : undefined;
  const names = new Set(queries?.map(String));
  // The best three are among the best five.
  const bests = [...names].map((name) => Number(/(?:^|:)top(\d+)(?= ~ |$)/.exec(name)?.[1] ?? 0));
  const named = bests.filter((count) => count === 0).length;
  return new Set(methods).size * (queries ? Math.max(0, ...bests) + named : usual);
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
      `too large answer: ${maps} maps of ${width} x ${height}, drawn in ${passes} passes, are ${pixels} pixels, allowed ${most}; ask for fewer classes, targets, methods or views, or send a smaller image (raise with --max-render)`,
    );
}

/** How a job stands to others: it may share a run with them, runs alone, or holds its thread for so long that not all may be held. */
export type Weight = "light" | "alone" | "long";

export function weightOf(job: Omit<Job, "id">, canvas: number): Weight {
  const maps = mapsOf(job);
  const { file } = job;
  const size = encodedSize(file);
  // How large a TIFF file's picture is stands anywhere in it; arrays and recordings are as large as their bytes, of which there are few.
  const decoded = size ? size.width * size.height : beginsLikeTiff(file) ? Number.POSITIVE_INFINITY : 0;
  const pixels = Math.min(canvas, decoded) * maps * passesOf(job);
  if (maps > long.maps || pixels > long.pixels || job.question.methods?.some((name) => ofManyRuns.has(name)))
    return "long";
  return maps > alone.maps || pixels > alone.pixels || decoded > alone.decoded ? "alone" : "light";
}

const beginsLikeTiff = ([a, b]: Uint8Array): boolean => a === b && (a === 0x49 || a === 0x4d);
