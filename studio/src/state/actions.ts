/** @file What a person can do, in terms of the worker's calls. */
import { batch, effect, signal } from "@preact/signals";
import { UserError } from "gradcam";
import type { Preprocess } from "gradcam/web";
import { type CallOptions, Engine } from "../engine/client.ts";
import type {
  Brush,
  CallName,
  Calls,
  Dab,
  Exported,
  ExportKind,
  ModelInfo,
  OpenRequest,
  Progress,
  Seen,
  ServerAddress,
} from "../engine/contract.ts";
import { networkWorker, serverWorkerFor } from "../engine/start.ts";
import { latest } from "./latest.ts";
import { complain, tell } from "./notices.ts";
import type { Answered, Shown } from "./studio.ts";
import * as studio from "./studio.ts";

const base = new URL(".", document.baseURI).href;

/** The model that is opened first: the bundled one, or one beside the studio, as `gradcam studio --model` serves it. */
const own = new URLSearchParams(location.search).get("model");
let source: OpenRequest = { source: new URL(own ?? "models/efficientnet-lite0/", base).href };
/** How pictures are prepared, where a person says so. */
let byHand: Preprocess | undefined;
let engine = launch();

function launch(): Engine {
  return new Engine(
    networkWorker,
    () => void revive(),
    () =>
      tell(
        "There is no room to keep the model",
        "It works, but will be fetched again next time. Free some of this browser's storage to keep it.",
      ),
  );
}

/** How often the worker has been replaced: what it was given beside model and picture is given again. */
export const revivals = signal(0);

/** What a server answers, while one is in use. */
const ofServer: ReadonlySet<CallName> = new Set(["show", "explain", "occlude", "export"]);
let remote: Engine | undefined;

function call<K extends CallName>(name: K, argument: Calls[K][0], options?: CallOptions): Promise<Calls[K][1]> {
  const asked = remote && studio.sentTo.value !== undefined && ofServer.has(name) ? remote : engine;
  return asked.call(name, argument, options);
}

const watch = (progress: Progress) => {
  studio.loading.value = progress;
};

/** The worker died: another one takes up where it was. */
async function revive(): Promise<void> {
  tell(
    "The engine stopped and was started again",
    "The browser may have run out of memory. Nothing you chose is lost.",
  );
  engine = launch();
  disconnect();
  const { value: picture } = studio.shown;
  const how = byHand;
  await start();
  if (how) await prepare(how);
  if (picture) await show(picture.file, picture);
  revivals.value++;
}

export async function start(): Promise<void> {
  const prefer = new URLSearchParams(location.search).get("provider");
  studio.loading.value = { done: Number.NaN, what: "Starting" };
  try {
    if (own && new URL(source.source as string).origin !== location.origin)
      throw new UserError(
        "invalid-option",
        `invalid address: the model lies on another server; open your own with: gradcam studio --model FILE`,
      );
    const wanted = prefer === "wasm" || prefer === "webgpu" ? prefer : undefined;
    studio.backend.value = await engine.call("start", { base, prefer: wanted }, { onProgress: watch });
    opened(await engine.call("open", source, { onProgress: watch }));
  } catch (error) {
    complain(error);
  }
  studio.loading.value = undefined;
}

/** Opens another model; the old one stays where the new one is refused. The picture is shown to the new one. */
export async function open(request: OpenRequest): Promise<boolean> {
  studio.loading.value = { done: Number.NaN, what: "Opening the model" };
  try {
    opened(await engine.call("open", request, { onProgress: watch }));
    disconnect(); // what is opened here is asked here
    source = request;
    const { value: picture } = studio.shown;
    if (picture) place(picture, await call("show", picture.file), undefined);
    return true;
  } catch (error) {
    complain(error);
    return false;
  } finally {
    studio.loading.value = undefined;
  }
}

/** What a person has set so far, while it is being tried. */
let wanted: Preprocess | undefined;
/** Until the engine prepares pictures as the page says. */
let preparing = Promise.resolve();
const followPreparation = latest(async (how: Preprocess | undefined) => {
  await prepare(how);
  if (wanted === how) wanted = undefined;
});

/** Has pictures prepared otherwise in some respect; without one, as the model says. */
export function setPreparation(change: Partial<Preprocess> | undefined): void {
  const now = wanted ?? studio.model.value?.inside?.preprocess;
  if (!now) return;
  wanted = change && { ...now, ...change };
  preparing = followPreparation(wanted);
}

/** What the network cannot take leaves all as it was. */
async function prepare(how: Preprocess | undefined): Promise<void> {
  const { value: before } = studio.model;
  const { value: picture } = studio.shown;
  const { value: kept } = studio.chosen;
  try {
    const info = await engine.call("prepare", how);
    const seen = picture && (await engine.call("show", picture.file));
    batch(() => {
      studio.model.value = info;
      if (picture && seen) place(picture, seen, kept);
    });
    byHand = how;
  } catch (error) {
    complain(error);
    if (!before) return;
    wanted = undefined;
    await engine.call("prepare", byHand);
    if (picture) await engine.call("show", picture.file);
    studio.model.value = { ...before }; // its form shows again what holds
  }
}

/** Asks a server for its models. Nothing else is sent before one of them is chosen. */
export async function connectTo({ url, token }: ServerAddress): Promise<void> {
  await useThisDevice();
  studio.loading.value = { done: Number.NaN, what: "Asking the server" };
  try {
    const address = serverAddress(url);
    const asked = new Engine(
      serverWorkerFor(address.origin),
      () => void useThisDevice(),
      () => {},
    );
    remote = asked;
    const models = await asked.call("connect", { url: address.href, ...(token && { token }) });
    if (models.length === 0)
      throw new UserError("missing-file", `missing model: ${address.host} has none that explains pictures`);
    studio.server.value = { host: address.host, models, used: false };
  } catch (error) {
    disconnect();
    complain(error);
  }
  studio.loading.value = undefined;
}

function serverAddress(text: string): URL {
  const whole = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (text.trim() && URL.canParse(whole)) return new URL(whole);
  throw new UserError("invalid-option", `invalid address: "${text}", expected one such as http://localhost:8080`);
}

/** From now on pictures are sent to the server: the one on the stage, and those that are shown later. */
export async function useServer(name: string): Promise<void> {
  const { value: server } = studio.server;
  if (!remote || !server) return;
  studio.loading.value = { done: Number.NaN, what: `Asking ${server.host}` };
  try {
    const info = await remote.call("useModel", name);
    batch(() => {
      studio.server.value = { ...server, used: true };
      opened(info);
    });
    const { value: picture } = studio.shown;
    if (picture) place(picture, await look(picture.file), undefined);
  } catch (error) {
    complain(error);
    await useThisDevice();
  }
  studio.loading.value = undefined;
}

/** Ends the connection; what is asked next is asked here. */
function disconnect(): void {
  remote?.end();
  remote = undefined;
  studio.server.value = undefined;
}

/** The model that is open here is asked again. */
export async function useThisDevice(): Promise<void> {
  const was = studio.sentTo.value;
  disconnect();
  if (was === undefined) return;
  try {
    const how = byHand;
    opened(await engine.call("prepare", how));
    byHand = how;
    const { value: picture } = studio.shown;
    if (picture) place(picture, await look(picture.file), undefined);
  } catch (error) {
    complain(error);
  }
}

function opened(info: ModelInfo): void {
  byHand = undefined;
  batch(() => {
    const known = info.layers.some(({ name }) => name === studio.layer.value);
    studio.model.value = info;
    studio.seen.value = studio.answer.value = studio.chosen.value = studio.hovered.value = undefined;
    if (!known) studio.layer.value = undefined;
  });
}

let pictures = 0;

/** Where the next question goes, the picture must have been: another place may have been chosen meanwhile. */
async function look(file: Blob): Promise<Seen> {
  const place = studio.sentTo.value;
  const seen = await call("show", file);
  return studio.sentTo.value === place ? seen : look(file);
}

/** The longest side of what lies on the stage; the network sees the picture itself. */
const stagePixels = 1800;

/** Puts a picture on the stage, and asks about a class of it, or the best one. The worker goes first: it knows the limits. */
export async function show(
  file: Blob,
  { name, example }: Pick<Shown, "name" | "example">,
  index?: number,
): Promise<void> {
  studio.looking.value = true;
  try {
    const seen = await look(file);
    const { width, height } = seen.geometry.original;
    const ratio = Math.min(1, stagePixels / Math.max(width, height));
    const bitmap = await createImageBitmap(file, {
      resizeWidth: Math.max(1, Math.round(width * ratio)),
      resizeHeight: Math.max(1, Math.round(height * ratio)),
      resizeQuality: "high",
    });
    place({ id: ++pictures, name, example, file, bitmap, width, height }, seen, index);
  } catch (error) {
    complain(error);
  }
  studio.looking.value = false;
}

function place(picture: Shown, seen: Seen, index: number | undefined): void {
  batch(() => {
    if (studio.shown.value !== picture) studio.shown.value?.bitmap.close();
    studio.shown.value = picture;
    studio.patch.value = studio.untouched.value = studio.answer.value = studio.hovered.value = undefined;
    studio.seen.value = seen;
    studio.chosen.value = index !== undefined && index < seen.scores.length ? index : seen.ranking[0];
  });
}

/** Answers come from here on whenever the question, or what it is about, changes. */
export function followQuestions(): void {
  const ask = latest(async ({ question, seen }: Omit<Answered, "answer">) => {
    try {
      const slow = (done: number) => {
        studio.asking.value = done;
      };
      const answer = await call("explain", question, { onProgress: ({ done }) => slow(done) });
      batch(() => {
        const known = answer.prediction ? withScore(seen, question.class, answer.prediction) : seen;
        studio.answer.value = { question, seen: known, answer };
        if (studio.seen.value === seen) studio.seen.value = known;
      });
    } catch (error) {
      complain(error);
    }
    studio.asking.value = undefined;
  });
  effect(() => {
    const [question, seen] = [studio.question.value, studio.seen.value];
    if (seen && question) ask({ question, seen });
  });
}

function withScore(seen: Seen, index: number, { score, probability }: { score: number; probability: number }): Seen {
  const [scores, probabilities] = [seen.scores.slice(), seen.probabilities.slice()];
  [scores[index], probabilities[index]] = [score, probability];
  return { ...seen, scores, probabilities };
}

/** Touches of the brush that wait for the worker. */
let waiting: { readonly brush: Brush; readonly dabs: Dab[] } | undefined;
/** How often all was cleaned: what the brush did before is of no interest after. */
let cleanings = 0;
const applyBrush = latest(async () => {
  if (!waiting) return;
  const stroke = waiting;
  const before = cleanings;
  waiting = undefined;
  try {
    const edited = await engine.call("brush", stroke);
    const bitmap = await createImageBitmap(edited.patch);
    if (cleanings === before)
      batch(() => {
        studio.untouched.value ??= studio.seen.value;
        studio.patch.value?.close();
        studio.patch.value = bitmap;
        studio.seen.value = edited;
      });
  } catch (error) {
    complain(error);
  }
  if (!waiting) studio.painting.value = false;
});

export function paint(brush: Brush, dabs: readonly Dab[]): void {
  if (waiting?.brush === brush) waiting.dabs.push(...dabs);
  else waiting = { brush, dabs: [...dabs] };
  studio.painting.value = true;
  applyBrush(undefined);
}

export async function clean(): Promise<void> {
  waiting = undefined;
  studio.painting.value = false;
  cleanings++;
  try {
    const seen = await engine.call("clean", undefined);
    batch(() => {
      studio.patch.value = studio.untouched.value = undefined;
      studio.seen.value = seen;
    });
  } catch (error) {
    complain(error);
  }
}

/** Calls whose answers only one part of the page wants. */
export const ask: Engine["call"] = (name, argument, options) => call(name, argument, options);

/** Hands a person a file. */
export async function save(kind: ExportKind): Promise<void> {
  await preparing;
  const { value: question } = studio.question;
  const asked = question ?? { class: 0, method: studio.method.value };
  const picture = (studio.shown.value?.name ?? "picture").replace(/\.[a-z0-9]{2,5}$/i, "");
  const { colours, opacity } = studio;
  try {
    const request = { kind, question: asked, picture, colormap: colours.value, opacity: opacity.value };
    handOver(await call("export", request));
  } catch (error) {
    complain(error);
  }
}

export function handOver({ name, type, bytes }: Exported): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes as BlobPart], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
