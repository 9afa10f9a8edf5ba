/** @file The worker's desk: the model, the picture and what was seen in it, and the answers to the page's calls. */

import { UserError } from "gradcam";
import type { Scene } from "gradcam/scenes";
import {
  type ClassExplanation,
  type Classifier,
  decode,
  EveryLayer,
  type LoadedClassifier,
  type Look,
  load,
  type Picture,
  type Preprocess,
  type Preprocessed,
  pathOf,
  preprocess,
} from "gradcam/web";
import type { Context } from "./answering.ts";
import type {
  Answer,
  Backend,
  CallName,
  Calls,
  Developed,
  Edited,
  ModelInfo,
  Photograph,
  Question,
  Seen,
  Subject,
} from "./contract.ts";
import { asMethod, shareOf } from "./contract.ts";
import { develop } from "./develop.ts";
import { editOf, painted } from "./edit.ts";
import { exportAs } from "./export.ts";
import { likenessOf } from "./likeness.ts";
import { modelInfo } from "./model-info.ts";
import { Narration } from "./narration.ts";
import { filesOf } from "./picked.ts";
import { Retouch, toPixels } from "./retouch.ts";
import { type StartedRuntime, startRuntime } from "./runtime.ts";
import { sanityCheck } from "./sanity.ts";

/** A picture on the desk, and its looks: with the default layer, and with others that were asked for. */
interface Shown {
  readonly picture: Picture;
  readonly whole: Preprocessed;
  /** The input as it is now, with what the brush did. */
  seen: Preprocessed;
  look: Look;
  readonly others: Map<string, Promise<Look>>;
  /** Maps at every layer, by question. */
  readonly everywhere: Map<string, Calls["everyLayer"][1]>;
  readonly retouch: Retouch;
}

type OwnCalls = Exclude<CallName, "connect" | "useModel" | "paint">;

export class Desk implements Record<OwnCalls, unknown> {
  #runtime: StartedRuntime | undefined;
  #model: LoadedClassifier | undefined;
  /** How a person has pictures prepared, over what the model says. */
  #byHand: Preprocess | undefined;
  #everyLayer: Promise<EveryLayer> | undefined;
  #shown: Shown | undefined;
  #narration: Narration | undefined;
  /** The picture that was decoded last. */
  #photograph: { readonly id: number; readonly picture: Promise<Picture> } | undefined;

  constructor(private readonly onNotKept: () => void) {}

  async start({ base, prefer }: Calls["start"][0], { onProgress }: Context): Promise<Backend> {
    this.#runtime = await startRuntime(base, prefer, { onProgress, onNotKept: this.onNotKept });
    this.#narration = new Narration(base, this.#runtime, this.onNotKept);
    return this.#runtime.backend;
  }

  /** The new model takes the place of the old one when it is open, not before. */
  async open({ source, labels, known }: Calls["open"][0], { signal, onProgress }: Context): Promise<ModelInfo> {
    const { ort, session } = this.#started;
    const what = "Fetching the model";
    const opened = await load(typeof source === "string" ? source : filesOf(source), {
      ort,
      session,
      labels,
      ...known,
      signal,
      onProgress: (done, of) => onProgress({ done: shareOf(done, of), what }),
      onNotKept: this.onNotKept,
    });
    onProgress({ done: Number.NaN, what: "Making the model ready" });
    const before = [this.#model, await this.#everyLayer?.catch(() => undefined)];
    this.#model = opened;
    this.#byHand = undefined;
    this.#everyLayer = undefined;
    this.#shown = undefined;
    for (const old of before) await old?.release();
    return modelInfo(opened, undefined);
  }

  async prepare(how: Calls["prepare"][0], _: Context): Promise<ModelInfo> {
    this.#byHand = how;
    return modelInfo(this.#opened, how);
  }

  async develop(photograph: Calls["develop"][0], _: Context): Promise<Developed> {
    return develop(photograph.file, await this.#decoded(photograph));
  }

  async show(photograph: Calls["show"][0], _: Context): Promise<Seen> {
    const picture = await this.#decoded(photograph);
    const how = this.#preprocess;
    const whole = preprocess(picture, how);
    const look = await this.#classifier.lookAt(whole);
    const retouch = new Retouch(whole, how);
    this.#shown = { picture, whole, seen: whole, look, others: new Map(), everywhere: new Map(), retouch };
    return seenIn(look);
  }

  async explain(question: Question, context: Context): Promise<Answer> {
    const { method, layer } = question;
    const usual = layer === undefined || layer === this.#picture.look.forward.layer;
    const every = method === "grad-cam" && !usual ? await this.everyLayer(question, context) : [];
    const found = every.find((one) => one.layer === layer);
    if (!found) return answerOf(await this.#ask(question, context));
    const blank = found.map.data.some((v) => v > 0) ? undefined : `no positive evidence at ${layer}`;
    return { ...found, ...(blank && { blank }) };
  }

  /** One run for all of them; asked again about the same, it is not run again. */
  async everyLayer(question: Question, { onProgress }: Context): Promise<Calls["everyLayer"][1]> {
    const { class: index, against, counterfactual } = question;
    const { look, everywhere } = this.#picture;
    const key = `${index} ${against} ${counterfactual}`;
    const known = everywhere.get(key);
    if (known) return known;
    const every = await this.#openEveryLayer(onProgress);
    const target = against !== undefined ? { for: index, against } : counterfactual ? { counterfactual: index } : index;
    const maps = (await every.explain(look.forward, target)).map(({ data, dims: [, ...dims] }, i) => ({
      layer: every.layers[i].name,
      map: { data, dims },
    }));
    everywhere.set(key, maps);
    return maps;
  }

  #openEveryLayer(onProgress: Context["onProgress"]): Promise<EveryLayer> {
    if (this.#everyLayer) return this.#everyLayer;
    onProgress({ done: Number.NaN, what: "Making every layer ready" });
    const opened = EveryLayer.open(this.#started.ort, this.#classifier.explainer);
    this.#everyLayer = opened;
    opened.catch(() => {
      this.#everyLayer = undefined;
    });
    return opened;
  }

  async brush(strokes: Calls["brush"][0], _: Context): Promise<Edited> {
    const shown = this.#picture;
    for (const stroke of strokes) shown.retouch.paint(stroke);
    const input = shown.retouch.input;
    const seen = await this.#lookAgain(input);
    return { ...seen, patch: shown.retouch.patch(input) };
  }

  async clean(_: undefined, __: Context): Promise<Seen> {
    const shown = this.#picture;
    const { width, height } = shown.whole.geometry.input;
    shown.retouch.paint({ dabs: [{ x: width / 2, y: height / 2, radius: width + height }], brush: "restore" });
    return this.#lookAgain(shown.whole);
  }

  async occlude(question: Question, context: Context): Promise<Calls["occlude"][1]> {
    const asked = await this.explain(question, context);
    const { map } = await this.#ask({ ...question, method: "occlusion", layer: undefined }, context);
    return { map, ...likenessOf(asked.map, map) };
  }

  async sanity(question: Question, context: Context): Promise<Calls["sanity"][1]> {
    const trained = await this.explain(question, context);
    return sanityCheck(this.#started, this.#classifier, this.#picture.seen, question, trained.map, context);
  }

  async input(_: undefined, __: Context): Promise<ImageData> {
    return toPixels(this.#picture.seen, this.#preprocess);
  }

  async path(layer: string, _: Context): Promise<Calls["path"][1]> {
    return pathOf(this.#classifier.explainer, layer);
  }

  async export(request: Calls["export"][0], context: Context): Promise<Calls["export"][1]> {
    const model = this.#opened;
    const how = this.#preprocess;
    if (request.kind === "onnx") return exportAs(request, model, how, undefined);
    const { picture: whole, retouch, seen } = this.#picture;
    const look = await this.#lookOn(request.question.layer);
    const explanation = await this.#ask(request.question, context);
    const edit = await editOf(retouch, seen.geometry);
    const picture = edit ? painted(whole, retouch.patch(seen), seen.geometry) : whole;
    return exportAs(request, model, how, { picture, edit, look, explanation });
  }

  async narrator({ task, files }: Calls["narrator"][0], context: Context): Promise<Calls["narrator"][1]> {
    return this.#narrating.open(task, files && filesOf(files), context);
  }

  async caption(subject: Calls["caption"][0], context: Context): Promise<Calls["caption"][1]> {
    return this.#narrating.caption(await this.#subjectOf(subject), context);
  }

  async reply({ subject, question }: Calls["reply"][0], context: Context): Promise<Calls["reply"][1]> {
    return this.#narrating.reply(await this.#subjectOf(subject), question, context);
  }

  async #subjectOf(subject: Subject): Promise<Scene | Picture> {
    return "objects" in subject ? subject : this.#decoded(subject);
  }

  #decoded({ id, file }: Photograph): Promise<Picture> {
    if (this.#photograph?.id !== id) this.#photograph = { id, picture: decode(file) };
    return this.#photograph.picture;
  }

  async #lookAgain(input: Preprocessed): Promise<Seen> {
    const shown = this.#picture;
    shown.seen = input;
    shown.look = await this.#classifier.lookAt(input);
    shown.others.clear();
    shown.everywhere.clear();
    return seenIn(shown.look);
  }

  async #ask(question: Question, { signal, onProgress }: Context): Promise<ClassExplanation> {
    const { class: index, against, counterfactual, method, layer } = question;
    const look = await this.#lookOn(layer);
    const [explanation] = await look.explain({
      classes: [index],
      against,
      counterfactual,
      method: asMethod(method),
      signal,
      onProgress: (done) => onProgress({ done }),
    });
    return explanation;
  }

  /** The look whose maps lie on a layer; each layer's own is made when it is first asked for. */
  #lookOn(layer: string | undefined): Promise<Look> {
    const { look, others, seen } = this.#picture;
    if (layer === undefined || layer === look.forward.layer) return Promise.resolve(look);
    const known = others.get(layer);
    if (known) return known;
    const made = this.#classifier.lookAt(seen, { layer });
    others.set(layer, made);
    made.catch(() => others.delete(layer));
    return made;
  }

  get #started(): StartedRuntime {
    if (!this.#runtime) throw notStarted();
    return this.#runtime;
  }

  get #narrating(): Narration {
    if (!this.#narration) throw notStarted();
    return this.#narration;
  }

  get #opened(): LoadedClassifier {
    if (!this.#model) throw new UserError("missing-file", "missing model: none is open yet");
    return this.#model;
  }

  get #classifier(): Classifier {
    return this.#opened.classifier;
  }

  get #preprocess(): Preprocess {
    return this.#byHand ?? this.#classifier.preprocess;
  }

  get #picture(): Shown {
    if (!this.#shown) throw new UserError("missing-file", "missing picture: none is shown yet");
    return this.#shown;
  }
}

const notStarted = (): UserError => new UserError("missing-file", "missing engine: it could not be fetched");

const seenIn = ({ seen, scores, probabilities, ranking }: Look): Seen => ({
  geometry: seen.geometry,
  scores,
  probabilities: Float32Array.from(probabilities, (p) => p ?? Number.NaN),
  ranking,
});

const answerOf = ({ map, pixels, layer, blank, warnings }: ClassExplanation): Answer => ({
  ...{ map, pixels, layer, blank },
  // What is said of a blank map says its emptiness already.
  warnings: warnings.filter(({ code }) => code !== "relu-emptied").map(({ text }) => text),
});
