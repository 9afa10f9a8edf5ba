/** @file An explanation as an answer: JSON with its maps, or one PNG file. */
import type {
  Answer,
  AskAnswer,
  CaptionAnswer,
  Explanation,
  Mapped,
  ModelCard,
  Question,
  View,
} from "../client/contract.ts";
import { throwIfAborted, UserError } from "../errors.ts";
import type { Geometry } from "../image/geometry.ts";
import { encodePng } from "../image/sharp.ts";
import type { Drawn, DrawOptions } from "../node/drawing.ts";
import { drawingOf } from "../node/write.ts";
import { colormaps } from "../render/colormap.ts";
import { heat } from "../render/overlay.ts";
import type { ClassExplanation, Why } from "../tasks/classify/classification.ts";
import { view, visible } from "../tasks/classify/figure.ts";
import type { Answered } from "../tasks/language/answering.ts";
import type { Captioned } from "../tasks/language/captioning.ts";
import { layersShown } from "../tasks/raw-map.ts";
import type { Kind } from "../tasks/sample.ts";
import type { Job, Reply } from "./work.ts";

/** What the pictures of an answer are drawn by. */
type Drawing = Pick<Question, "include" | "view" | "colormap">;
interface Asked {
  readonly question: Drawing;
  readonly accept: Job["accept"];
}
type Identity = Pick<ModelCard, "name" | "sha256">;

const inJson = (answer: object): Reply => ({ type: "application/json", body: Buffer.from(JSON.stringify(answer)) });

export async function render(
  why: Why<Kind>,
  { question, accept }: Asked,
  card: Identity,
  signal: AbortSignal,
): Promise<Reply> {
  const draw = drawer(why, question, card, signal);
  if (accept === "image/png") return { type: accept, body: await onePicture(why, question.view ?? "overlay", draw) };
  return inJson(await answerOf(why, question, card, draw, signal));
}

export async function renderAnswered(
  answered: Answered,
  { question, accept }: Asked,
  card: Identity,
  signal: AbortSignal,
): Promise<Reply> {
  if (accept === "image/png") return render(answered, { question, accept }, card, signal);
  const answer = await answerOf(answered, question, card, drawer(answered, question, card, signal), signal);
  const asked: AskAnswer = { ...answer, question: answered.question, tokens: [...answered.tokens] };
  return inJson(asked);
}

export async function renderCaptioned(
  { picture, geometry, caption, generated, instead, explanations }: Captioned,
  { include = [], colormap = colormaps[0] }: Drawing,
  { name, sha256 }: Identity,
  signal: AbortSignal,
): Promise<Reply> {
  const made: CaptionAnswer["explanations"] = [];
  for (const e of explanations) {
    throwIfAborted(signal);
    const { kind, text, tokens, logProbability } = e;
    const overlay = include.includes("overlay")
      ? base64(await encodePng(view(e, { picture, geometry }, { colormap })))
      : undefined;
    const alone = include.includes("heat") ? base64(await encodePng(heat(visible(e), { colormap }))) : undefined;
    made.push({ kind, text, tokens: [...tokens], logProbability, ...mapped(e), overlay, heat: alone });
  }
  const answer = {
    model: { name, sha256 },
    geometry: ofOriginal(geometry),
    caption,
    generated,
    instead,
    explanations: made,
  };
  return inJson(answer);
}

const drawer = (why: Why<Kind>, { colormap = colormaps[0] }: Drawing, { name }: Identity, signal: AbortSignal) => {
  const layers = layersShown(why.explanations);
  const caption = [`Model ${name}`, layers.length > 0 && `layer ${layers.join(", ")}`].filter(Boolean).join(", ");
  return (views: readonly View[]) => drawn(why, views, { colormap, caption }, signal);
};

async function answerOf(
  why: Why<Kind>,
  { include = [] }: Drawing,
  { name, sha256 }: Identity,
  draw: ReturnType<typeof drawer>,
  signal: AbortSignal,
): Promise<Answer> {
  const { each, panel } = await draw(include);
  const explanations = why.explanations.map((e, i) => {
    throwIfAborted(signal); // a map is laid on the picture when its peak is read
    return { ...explained(e), ...base64Of(each[i]) };
  });
  return {
    model: { name, sha256 },
    ...("geometry" in why && { geometry: ofOriginal(why.geometry) }),
    predictions: [...why.predictions],
    ...(why.detections && { detections: why.detections.map((one) => ({ ...one })) }),
    ...(why.characters && { text: why.text, probability: why.probability, characters: [...why.characters] }),
    ...(why.remark && { remark: why.remark }),
    explanations,
    ...(panel && { panel: base64(panel) }),
  };
}

interface Pictures {
  /** One for each explanation; empty where no view of one is asked for. */
  readonly each: readonly Drawn[];
  readonly panel?: Uint8Array;
}

async function onePicture(
  { explanations, remark = "" }: Why<Kind>,
  view: View,
  draw: (views: readonly View[]) => Promise<Pictures>,
): Promise<Uint8Array> {
  if (explanations.length === 0)
    throw new UserError("invalid-option", `invalid view: "${view}" has no map to show: ${remark}`.trim());
  if (view !== "panel" && explanations.length > 1)
    throw new UserError(
      "invalid-option",
      `invalid view: "${view}" shows one explanation, but there are ${explanations.length}; ask for one class or target and one method, or for "panel"`,
    );
  const { each, panel } = await draw([view]);
  return (view === "panel" ? panel : each[0][view]) as Uint8Array;
}

async function drawn(
  why: Why<Kind>,
  views: readonly View[],
  options: Omit<DrawOptions, "views">,
  signal: AbortSignal,
): Promise<Pictures> {
  if (views.length === 0) return { each: [] };
  const drawing = drawingOf(why, { ...options, views });
  const each: Drawn[] = [];
  for (const e of why.explanations) {
    throwIfAborted(signal);
    each.push(await drawing.draw(e));
  }
  throwIfAborted(signal);
  return { each, ...(views.includes("panel") && { panel: await drawing.panel() }) };
}

/** Clients are told of their own picture, not of what it was shrunk to. */
const ofOriginal = ({ canvas: _, ...geometry }: Geometry): Geometry => geometry;

function explained(e: ClassExplanation<Kind>): Explanation {
  const { target, detection, character, class: index, label } = e;
  const about = { ...(detection !== undefined && { detection }), ...(character !== undefined && { character }) };
  return { target, ...about, class: index, label, ...mapped(e), ...("span" in e && e.span && { span: [...e.span] }) };
}

/** What is said of every map. */
function mapped(
  e: Pick<ClassExplanation<Kind>, "method" | "question" | "layer" | "layers" | "map" | "peak" | "blank" | "warnings">,
): Mapped {
  const { method, question, layer = null, layers, map, peak, blank, warnings } = e;
  const { buffer, byteOffset, byteLength } = map.data;
  return {
    method,
    question,
    layer,
    ...(layers && { layers: [...layers] }),
    map: { shape: [...map.dims], data: base64(new Uint8Array(buffer, byteOffset, byteLength)) },
    peak,
    ...("box" in e && Array.isArray(e.box) && { box: [...e.box] }),
    blank,
    warnings: warnings.map(({ code, text }) => ({ code, text })),
  };
}

function base64Of({ overlay, heat }: Drawn = {}): Pick<Explanation, "overlay" | "heat"> {
  return { ...(overlay && { overlay: base64(overlay) }), ...(heat && { heat: base64(heat) }) };
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
