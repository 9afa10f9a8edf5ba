/** @file The XML files of PASCAL VOC, which ILSVRC's CLS-LOC has too: boxes whose pixels count from 1, last one included. */
import type { XMLParser } from "fast-xml-parser";
import { missingPackage, UserError } from "../../errors.ts";
import { boundedSize } from "../../tasks/formats/json.ts";
import { decodeXml } from "../entities.ts";
import type { Marked } from "../sample.ts";
import type { Source } from "../source.ts";
import { most } from "./dataset.ts";

export interface VocFile {
  /** The picture's name, as the file says. */
  readonly filename: string;
  readonly objects: readonly Omit<Marked, "classes">[];
}

/** @throws UserError `invalid-input` that names the file. */
export async function readVocXml(source: Source, file: string): Promise<VocFile> {
  const bytes = await source.read(file, most.annotation);
  boundedSize(bytes.length, file, "annotation", most.annotation);
  const text = new TextDecoder().decode(bytes);
  const invalid = (what: string) => new UserError("invalid-input", `invalid annotation ${file}: ${what}`);
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw invalid("it declares a document type or entities, which are not read");
  if (depthOf(text) > mostDepth) throw invalid(`nested too deeply; at most ${mostDepth} levels are read`);
  const parser = await loadParser();
  let root: { annotation?: { filename?: string; object?: readonly (XmlObject | string)[] } | string };
  try {
    root = parser.parse(text, true);
  } catch (cause) {
    throw invalid(`not XML (${(cause as Error).message})`);
  }
  const { annotation } = root;
  if (!annotation) throw invalid("no <annotation> in it");
  const { object = [], filename = "" } = typeof annotation === "string" ? {} : annotation;
  const objects = object.map((entry) => {
    const { name, difficult, bndbox } = typeof entry === "string" ? {} : entry;
    const [x0, y0, x1, y1] = (["xmin", "ymin", "xmax", "ymax"] as const).map((side) => Number(bndbox?.[side]));
    if (!name || ![x0, y0, x1, y1].every(Number.isFinite))
      throw invalid("an <object> without <name> or whole <bndbox>");
    if (x1 < x0 || y1 < y0) throw invalid(`a box from ${x0}, ${y0} to ${x1}, ${y1}`);
    return {
      name: decodeXml(String(name)),
      box: [x0 - 1, y0 - 1, x1, y1] as const,
      difficult: String(difficult) === "1",
    };
  });
  return { filename: decodeXml(String(filename)), objects };
}

const mostDepth = 64;

/** How deep elements lie in each other. */
function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const [tag] of text.matchAll(/<[^!?>][^>]*>/g)) {
    if (tag.startsWith("</")) depth--;
    else if (!tag.endsWith("/>")) deepest = Math.max(deepest, ++depth);
  }
  return deepest;
}

interface XmlObject {
  readonly name?: string;
  readonly difficult?: string;
  readonly bndbox?: Readonly<Record<"xmin" | "ymin" | "xmax" | "ymax", string>>;
}

async function loadParser(): Promise<XMLParser> {
  try {
    const { XMLParser } = await import("fast-xml-parser");
    return new XMLParser({ parseTagValue: false, processEntities: false, isArray: (name) => name === "object" });
  } catch (cause) {
    throw missingPackage(["fast-xml-parser"], "which reads annotations", cause);
  }
}
