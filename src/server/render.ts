/** @file An explanation as an answer: JSON with its maps, or one PNG file. */
import type { Answer, Explanation, ModelCard, Question, View } from "../client/contract.ts";
import { UserError } from "../errors.ts";
import type { Drawn } from "../node/drawing.ts";
import { drawingOf } from "../node/write.ts";
import { colormaps } from "../render/colormap.ts";
import type { ClassExplanation, Why } from "../tasks/classification.ts";
import type { Kind } from "../tasks/sample.ts";
import type { Job, Reply } from "./work.ts";

export async function render(
  why: Why<Kind>,
  { question, accept }: Pick<Job, "question" | "accept">,
  { name, sha256 }: Pick<ModelCard, "name" | "sha256">,
): Promise<Reply> {
  const layer = why.explanations.find((e) => e.layer !== undefined)?.layer;
  const caption = [`Model ${name}`, layer && `layer ${layer}`].filter(Boolean).join(", ");
  const draw = (views: readonly View[]) => drawn(why, views, { colormap: question.colormap ?? colormaps[0], caption });
  if (accept === "image/png") return { type: accept, body: await onePicture(why, question.view ?? "overlay", draw) };
  const { each, panel } = await draw(question.include ?? []);
  const answer: Answer = {
    model: { name, sha256 },
    predictions: [...why.predictions],
    explanations: why.explanations.map((e, i) => ({ ...inJson(e), ...base64Of(each[i], question.include) })),
    ...(panel && { panel: base64(panel) }),
  };
  return { type: accept, body: Buffer.from(JSON.stringify(answer)) };
}

interface Pictures {
  /** One for each explanation; empty where no view of one is asked for. */
  readonly each: readonly Drawn[];
  readonly panel?: Uint8Array;
}

async function onePicture(
  { explanations }: Why<Kind>,
  view: View,
  draw: (views: readonly View[]) => Promise<Pictures>,
): Promise<Uint8Array> {
  if (view !== "panel" && explanations.length > 1)
    throw new UserError(
      "invalid-option",
      `invalid view: "${view}" shows one explanation, these are ${explanations.length}; ask for one class and one method, or for "panel"`,
    );
  const { each, panel } = await draw([view]);
  return view === "panel" ? (panel as Uint8Array) : each[0][view];
}

async function drawn(
  why: Why<Kind>,
  views: readonly View[],
  options: Parameters<typeof drawingOf>[1],
): Promise<Pictures> {
  if (views.length === 0) return { each: [] };
  const drawing = drawingOf(why, options);
  const each: Drawn[] = [];
  for (const e of why.explanations) each.push(await drawing.draw(e));
  return { each, ...(views.includes("panel") && { panel: await drawing.panel() }) };
}

function inJson(e: ClassExplanation<Kind>): Explanation {
  const { class: index, label, method, question, layer = null, map, peak, blank } = e;
  const { buffer, byteOffset, byteLength } = map.data;
  return {
    class: index,
    label,
    method,
    question,
    layer,
    map: { shape: [...map.dims], data: base64(new Uint8Array(buffer, byteOffset, byteLength)) },
    peak,
    ...("box" in e && e.box && { box: [...e.box] }),
    ...("span" in e && e.span && { span: [...e.span] }),
    blank,
  };
}

function base64Of(pictures: Drawn | undefined, views: Question["include"] = []): Pick<Explanation, "overlay" | "heat"> {
  if (!pictures) return {};
  const { overlay, heat } = pictures;
  return {
    ...(views.includes("overlay") && { overlay: base64(overlay) }),
    ...(views.includes("heat") && { heat: base64(heat) }),
  };
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
