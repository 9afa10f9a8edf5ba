/** @file The picture at the desk as the network sees it, with what the brush did, and the answers about it. */
import { type ClassExplanation, type ClassifiedSample, type Picture, type Preprocessed, preprocess } from "gradcam/web";
import type { Context } from "./answering.ts";
import { type Answer, asMethod, type Edited, type Question, type Seen, type Stroke } from "./contract.ts";
import type { OpenedModel } from "./opened-model.ts";
import { Retouch } from "./retouch.ts";

/** A map at each layer that has one. */
type EveryLayerMaps = Awaited<ReturnType<ClassifiedSample["atEveryLayer"]>>;

export class ShownPicture {
  /** With other layers than the default, that were asked for. */
  readonly #others = new Map<string, Promise<ClassifiedSample>>();
  /** By question. */
  readonly #everywhere = new Map<string, EveryLayerMaps>();

  private constructor(
    private readonly model: OpenedModel,
    readonly picture: Picture,
    private readonly whole: Preprocessed,
    readonly retouch: Retouch,
    private look: ClassifiedSample,
    /** As it is now. */
    public input = whole,
  ) {}

  static async of(picture: Picture, model: OpenedModel): Promise<ShownPicture> {
    const how = model.preprocess;
    const whole = preprocess(picture, how);
    const look = await model.classifier.classify(whole);
    return new ShownPicture(model, picture, whole, new Retouch(whole, how), look);
  }

  get seen(): Seen {
    const { scores, probabilities, ranking } = this.look;
    const { geometry } = this.input;
    return { geometry, scores, probabilities: Float32Array.from(probabilities, (p) => p ?? Number.NaN), ranking };
  }

  async brush(strokes: readonly Stroke[]): Promise<Edited> {
    for (const stroke of strokes) this.retouch.paint(stroke);
    const { input } = this.retouch;
    const seen = await this.#lookAgain(input);
    return { ...seen, patch: this.retouch.patch(input) };
  }

  clean(): Promise<Seen> {
    const { width, height } = this.whole.geometry.input;
    this.retouch.paint({ dabs: [{ x: width / 2, y: height / 2, radius: width + height }], brush: "restore" });
    return this.#lookAgain(this.whole);
  }

  async answer(question: Question, context: Context): Promise<Answer> {
    const { method, layer } = question;
    const usual = layer === undefined || layer === this.look.forward.layer;
    const every = method === "grad-cam" && !usual ? await this.everyLayer(question, context) : [];
    const found = every.find((one) => one.layer === layer);
    const { map, pixels, blank, warnings, layer: at } = found ?? (await this.explain(question, context));
    // What is said of a blank map says its emptiness already.
    const said = warnings.filter(({ code }) => code !== "relu-emptied").map(({ text }) => text);
    return { map, pixels, layer: at, blank, warnings: said };
  }

  /** One run for all of them; asked again about the same, it is not run again. */
  async everyLayer(question: Question, context: Context): Promise<EveryLayerMaps> {
    const { class: index, against, counterfactual } = question;
    const key = `${index} ${against} ${counterfactual}`;
    const { look } = this;
    const maps = this.#everywhere.get(key) ?? (await look.atEveryLayer(await this.model.everyLayer(context), question));
    this.#everywhere.set(key, maps);
    return maps;
  }

  async explain(question: Question, { signal, onProgress }: Context): Promise<ClassExplanation> {
    const { class: index, against, counterfactual, method, layer } = question;
    const look = await this.lookOn(layer);
    const [explanation] = await look.explain({
      ...{ classes: [index], against, counterfactual, method: asMethod(method), signal },
      onProgress: (done) => onProgress({ done }),
    });
    return explanation;
  }

  /** The picture classified so that maps lie on a layer; for each layer once. */
  async lookOn(layer: string | undefined): Promise<ClassifiedSample> {
    if (layer === undefined || layer === this.look.forward.layer) return this.look;
    const known = this.#others.get(layer);
    if (known) return known;
    const made = this.model.classifier.classify(this.input, { layer });
    this.#others.set(layer, made);
    made.catch(() => this.#others.delete(layer));
    return made;
  }

  async #lookAgain(input: Preprocessed): Promise<Seen> {
    this.input = input;
    this.look = await this.model.classifier.classify(input);
    this.#others.clear();
    this.#everywhere.clear();
    return this.seen;
  }
}
