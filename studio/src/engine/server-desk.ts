/** @file The desk whose work a server does: pictures go there, maps and finished figures come back. */
import { UserError } from "gradcam";
import {
  type Answer as Answered,
  type Client,
  connect,
  type Explanation,
  type ModelCard,
  mapValues,
} from "gradcam/client";
import { encodeNpy } from "gradcam/web";
import type { Context } from "./answering.ts";
import { boxOf, onPicture } from "./box.ts";
import { seenBoxes, targetOf } from "./boxes.ts";
import type { Answer, CallName, Calls, Exported, Numbers, Question, Seen } from "./contract.ts";
import { likenessOf } from "./likeness.ts";
import { boxed as drawBox, redrawnPng } from "./redrawn.ts";

/** Classes whose scores and maps are fetched with a picture: as many as a server gives at a time. */
const ahead = 25;

/** At which servers draw. */
const serversOpacity = 0.75;

/** A picture that the server has seen, and what it has said of it. */
interface Shown {
  readonly picture: Blob;
  readonly seen: Seen;
  readonly answers: Map<string, Answer>;
}

type RemoteCalls = Extract<CallName, "connect" | "useModel" | "show" | "explain" | "occlude" | "export">;

export class ServerDesk implements Record<RemoteCalls, unknown> {
  #client: Client | undefined;
  #url = "";
  #cards: readonly ModelCard[] = [];
  #card: ModelCard | undefined;
  #shown: Shown | undefined;

  async connect({ url, token }: Calls["connect"][0], { signal }: Context): Promise<Calls["connect"][1]> {
    this.#url = url;
    const client = connect(url, { ...(token && { token }) });
    const { models } = await this.#reached(client.models({ signal }));
    this.#client = client;
    this.#cards = models.filter(({ task, kind }) => task === "explain" && kind === "picture");
    return this.#cards.map(({ name }) => name);
  }

  async useModel(name: string, _: Context): Promise<Calls["useModel"][1]> {
    const card = this.#cards.find((one) => one.name === name);
    if (!card) throw new UserError("unknown-name", `unknown model: ${name}`);
    this.#card = card;
    this.#shown = undefined;
    const { sha256, labels, layers, detects } = card;
    return { name, sha256, labels, layers, ...(detects && { detects }) };
  }

  async show({ file: picture }: Calls["show"][0], { signal }: Context): Promise<Seen> {
    const { detects } = this.#model;
    const given = await this.#ask(picture, detects ? {} : { classes: [`top${ahead}`] }, signal);
    const seen = seenIn(given, this.#model.labels.length);
    const answers = new Map<string, Answer>();
    for (const one of given.explanations)
      answers.set(keyOf({ class: one.detection ?? one.class, method: one.method }), answerOf(one));
    this.#shown = { picture, seen, answers };
    return seen;
  }

  async explain(question: Question, { signal }: Context): Promise<Answer> {
    const { picture, seen, answers } = this.#picture;
    const known = answers.get(keyOf(question));
    if (known) return known;
    const given = await this.#ask(picture, this.#askedBy(question), signal);
    const { score, probability } = given.predictions.find((one) => one.class === question.class) ?? {};
    const news = score !== undefined && Number.isNaN(seen.scores[question.class]);
    const answer = answerOf(given.explanations[0]);
    answers.set(keyOf(question), answer);
    return news ? { ...answer, prediction: { score, probability: probability ?? Number.NaN } } : answer;
  }

  async occlude(question: Question, context: Context): Promise<Calls["occlude"][1]> {
    const { map: asked } = await this.explain(question, context);
    const { map } = await this.explain({ ...question, method: "occlusion", layer: undefined }, context);
    return { map, ...likenessOf(asked, map) };
  }

  /** Pictures are drawn by the server, as `gradcam explain` draws them; the box that is shown is ours. */
  async export(request: Calls["export"][0], context: Context): Promise<Exported> {
    const { kind, question, picture: name, colormap, opacity, boxed, threshold } = request;
    const { picture, seen } = this.#picture;
    const { map, blank } = await this.explain(question, context);
    const shares = blank ? undefined : boxOf(map, threshold);
    const box = shares && onPicture(shares, seen.geometry);
    const hundredths = Math.round(100 * threshold);
    const file = (ending: string) => `${name}.${question.method}.${question.class}.${ending}`;
    const png = async (view: "overlay" | "panel", classes: (number | string)[], ending: string): Promise<Exported> => {
      const which = this.#model.detects ? {} : { classes };
      const asked = { ...this.#askedBy(question), ...which, view, colormap, model: this.#model.name };
      const drawn = await this.#reached(this.#connected.draw(picture, asked, { signal: context.signal }));
      return { name: file(ending), type: "image/png", bytes: new Uint8Array(await drawn.arrayBuffer()) };
    };
    const told = (made: Exported, ...unlike: (string | false)[]): Exported => {
      const said = unlike.filter(Boolean).join(" and ");
      return said ? { ...made, note: `The server draws it, ${said}.` } : made;
    };
    const otherwise = opacity !== serversOpacity && `at an opacity of ${100 * serversOpacity} %`;
    if (kind === "png") {
      const made = await png("overlay", [question.class], boxed ? `box-${hundredths}.png` : "png");
      if (!boxed || !box) return told(made, otherwise);
      return told({ ...made, bytes: await redrawnPng(made.bytes, drawBox(box)) }, otherwise);
    }
    const unboxed = boxed && "without the box";
    if (kind === "figure") return told(await png("panel", [question.class], "figure.png"), unboxed, otherwise);
    if (kind === "panel") return told(await png("panel", ["top3", question.class], "panel.png"), unboxed, otherwise);
    if (kind === "npy")
      return { name: file("npy"), type: "application/octet-stream", bytes: encodeNpy(map.data, map.dims) };
    if (kind === "onnx") throw new UserError("invalid-option", "invalid download: the model is the server's");
    const given = await this.#ask(picture, this.#askedBy(question), context.signal);
    const explanations = given.explanations.map((one) => ({ ...one, box, threshold }));
    const record = JSON.stringify({ image: name, server: new URL(this.#url).host, ...given, explanations }, null, 2);
    return { name: file("json"), type: "application/json", bytes: new TextEncoder().encode(`${record}\n`) };
  }

  #askedBy(question: Question) {
    const { method, layer } = question;
    return this.#model.detects
      ? { targets: [targetOf(question)], methods: [method], ...(layer !== undefined && { layer }) }
      : askedBy(question);
  }

  #ask(picture: Blob, asked: Parameters<Client["explain"]>[1], signal: AbortSignal): Promise<Answered> {
    return this.#reached(this.#connected.explain(picture, { ...asked, model: this.#model.name }, { signal }));
  }

  /** What a browser says of a connection that fails is as good as nothing. */
  async #reached<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      const { origin } = self.location;
      throw Object.assign(
        new Error(
          `unreachable server: ${this.#url} does not answer; is it running, and does it allow this page? gradcam serve --cors ${origin}`,
        ),
        { code: "unreachable" },
      );
    }
  }

  get #connected(): Client {
    if (!this.#client) throw new UserError("missing-file", "missing server: none is connected");
    return this.#client;
  }

  get #model(): ModelCard {
    if (!this.#card) throw new UserError("missing-file", "missing model: none of the server's is in use");
    return this.#card;
  }

  get #picture(): Shown {
    if (!this.#shown) throw new UserError("missing-file", "missing picture: none is shown yet");
    return this.#shown;
  }
}

const keyOf = ({ class: index, against, counterfactual, method, layer }: Question): string =>
  JSON.stringify([index, against, counterfactual, method, layer]);

const askedBy = ({ class: index, against, counterfactual, method, layer }: Question) => ({
  ...{ classes: [index], methods: [method] },
  ...(against !== undefined && { against }),
  ...(counterfactual && { counterfactual }),
  ...(layer !== undefined && { layer }),
});

/** A server tells the scores of the best classes; the others are not numbers until they are asked about. */
function seenIn({ predictions, detections, remark, geometry }: Answered, names: number): Seen {
  if (!geometry)
    throw new UserError("unsupported-operator", "unsupported server: it does not tell where maps lie; update it");
  if (detections) return seenBoxes(detections, geometry, remark);
  const classes = Math.max(names, 1 + Math.max(...predictions.map((one) => one.class)));
  const scores = new Float32Array(classes).fill(Number.NaN);
  const probabilities = scores.slice();
  for (const { class: index, score, probability } of predictions) {
    scores[index] = score;
    probabilities[index] = probability ?? Number.NaN;
  }
  const known = predictions.map((one) => one.class);
  const others = Array.from(scores.keys()).filter((index) => Number.isNaN(scores[index]));
  return { geometry, scores, probabilities, ranking: [...known, ...others] };
}

/** What is said of a blank map says its emptiness already. */
const told = (warnings: Explanation["warnings"]): string[] =>
  warnings.filter(({ code }) => code !== "relu-emptied").map(({ text }) => text);

const numbers = (one: Explanation): Numbers => ({ data: mapValues(one), dims: one.map.shape });

const answerOf = (one: Explanation): Answer => ({
  map: numbers(one),
  ...(one.layer !== null && { layer: one.layer }),
  ...(one.blank && { blank: one.blank }),
  warnings: told(one.warnings),
});
