/** @file The worker's desk: the model, the picture, and the answers to the page's calls. */

import { UserError } from "gradcam";
import type { Scene } from "gradcam/scenes";
import { decode, load, type Picture, pathOf } from "gradcam/web";
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
import { shareOf } from "./contract.ts";
import { develop } from "./develop.ts";
import { editOf, painted } from "./edit.ts";
import { exportAs } from "./export.ts";
import { likenessOf } from "./likeness.ts";
import { Narration } from "./narration.ts";
import { OpenedModel } from "./opened-model.ts";
import { filesOf } from "./picked.ts";
import { toPixels } from "./retouch.ts";
import { type StartedRuntime, startRuntime } from "./runtime.ts";
import { sanityCheck } from "./sanity.ts";
import { ShownBoxes } from "./shown-boxes.ts";
import { ShownPicture } from "./shown-picture.ts";

type OwnCalls = Exclude<CallName, "connect" | "useModel" | "paint">;

export class Desk implements Record<OwnCalls, unknown> {
  #runtime: StartedRuntime | undefined;
  #model: OpenedModel | undefined;
  #shown: ShownPicture | ShownBoxes | undefined;
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
    const before = this.#model;
    this.#model = new OpenedModel(opened, this.#started);
    this.#shown = undefined;
    await before?.release();
    return this.#model.info();
  }

  async prepare(how: Calls["prepare"][0], _: Context): Promise<ModelInfo> {
    this.#opened.byHand = how;
    return this.#opened.info();
  }

  async develop(photograph: Calls["develop"][0], _: Context): Promise<Developed> {
    return develop(photograph.file, await this.#decoded(photograph));
  }

  async show(photograph: Calls["show"][0], _: Context): Promise<Seen> {
    const picture = await this.#decoded(photograph);
    const opened = this.#opened;
    this.#shown = await (opened.detects ? ShownBoxes : ShownPicture).of(picture, opened);
    return this.#shown.seen;
  }

  async explain(question: Question, context: Context): Promise<Answer> {
    return this.#looked.answer(question, context);
  }

  async everyLayer(question: Question, context: Context): Promise<Calls["everyLayer"][1]> {
    const maps = await this.#picture.everyLayer(question, context);
    return maps.map(({ layer, map }) => ({ layer, map }));
  }

  async brush(strokes: Calls["brush"][0], _: Context): Promise<Edited> {
    return this.#picture.brush(strokes);
  }

  async clean(_: undefined, __: Context): Promise<Seen> {
    return this.#picture.clean();
  }

  async occlude(question: Question, context: Context): Promise<Calls["occlude"][1]> {
    const asked = await this.explain(question, context);
    const { map } = await this.#picture.explain({ ...question, method: "occlusion", layer: undefined }, context);
    return { map, ...likenessOf(asked.map, map) };
  }

  async sanity(question: Question, context: Context): Promise<Calls["sanity"][1]> {
    const trained = await this.explain(question, context);
    return sanityCheck(this.#started, this.#opened.classifier, this.#picture.input, question, trained.map, context);
  }

  async input(_: undefined, __: Context): Promise<ImageData> {
    return toPixels(this.#picture.input, this.#opened.preprocess);
  }

  async path(layer: string, _: Context): Promise<Calls["path"][1]> {
    return pathOf(this.#opened.loaded.subject.explainer, layer);
  }

  async export(request: Calls["export"][0], context: Context): Promise<Calls["export"][1]> {
    const { loaded, preprocess: how } = this.#opened;
    if (this.#opened.detects && request.kind === "onnx") return this.#opened.compiledDetector();
    if (this.#shown instanceof ShownBoxes) return this.#shown.export(request, context);
    if (request.kind === "onnx") return exportAs(request, loaded, how, undefined);
    const { picture: whole, retouch, input } = this.#picture;
    const look = await this.#picture.lookOn(request.question.layer);
    const explanation = await this.#picture.explain(request.question, context);
    const { geometry } = input;
    const edit = await editOf(retouch, geometry);
    const picture = edit ? painted(whole, retouch.patch(input), geometry) : whole;
    return exportAs(request, loaded, how, { picture, geometry, edit, look, explanation });
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

  get #started(): StartedRuntime {
    if (!this.#runtime) throw notStarted();
    return this.#runtime;
  }

  get #narrating(): Narration {
    if (!this.#narration) throw notStarted();
    return this.#narration;
  }

  get #opened(): OpenedModel {
    if (!this.#model) throw new UserError("missing-file", "missing model: none is open yet");
    return this.#model;
  }

  get #looked(): ShownPicture | ShownBoxes {
    if (!this.#shown) throw new UserError("missing-file", "missing picture: none is shown yet");
    return this.#shown;
  }

  /** @throws UserError for what is asked of classifiers alone. */
  get #picture(): ShownPicture {
    const looked = this.#looked;
    if (looked instanceof ShownPicture) return looked;
    throw new UserError("invalid-option", "invalid question: it is asked of classifiers, and a detector is open");
  }
}

const notStarted = (): UserError => new UserError("missing-file", "missing engine: it could not be fetched");
