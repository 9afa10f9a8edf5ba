/** @file What a person can do with models and questions, in terms of the worker's calls. */
import { batch, effect } from "@preact/signals";
import { UserError } from "gradcam";
import type { Preprocess } from "gradcam/web";
import { WorkerLost } from "../engine/client.ts";
import type {
  Exported,
  ExportKind,
  ModelInfo,
  OpenRequest,
  Progress,
  Seen,
  ServerAddress,
} from "../engine/contract.ts";
import { painted } from "./brush.ts";
import {
  asksServer,
  call,
  endRemote,
  giveUp,
  inTurn,
  launch,
  launchRemote,
  local,
  persistently,
  untilReady,
} from "./engine.ts";
import { latest } from "./latest.ts";
import { complain, tell } from "./notices.ts";
import { forgetStrokes, lookAgain, lookAtGiven, lookWithStrokes, place } from "./pictures.ts";
import type { Answered } from "./studio.ts";
import * as studio from "./studio.ts";

const base = new URL(".", document.baseURI).href;

/** The model that is opened first: the bundled one, or one beside the studio, as `gradcam studio --model` serves it. */
const own = new URLSearchParams(location.search).get("model");
let source: OpenRequest = { source: new URL(own ?? "models/efficientnet-lite0/", base).href };
/** How pictures are prepared, where a person says so. */
let byHand: Preprocess | undefined;

const restorers: (() => Promise<void>)[] = [];
/** What another worker is to be given beside model and picture, before it is asked. */
export const onRevival = (restore: () => Promise<void>): number => restorers.push(restore);

const watch = (progress: Progress) => {
  studio.loading.value = progress;
};

/** Whether graphics devices were lost so often that none is asked for any more. */
let withoutDevice = false;

/** A worker with the engine and the model that was opened last. */
async function begin(): Promise<ModelInfo> {
  const prefer = new URLSearchParams(location.search).get("provider");
  const wanted = withoutDevice ? "wasm" : prefer === "wasm" || prefer === "webgpu" ? prefer : undefined;
  studio.loading.value = { done: Number.NaN, what: "Starting" };
  try {
    if (own && source.source === new URL(own, base).href && new URL(own, base).origin !== location.origin)
      throw new UserError(
        "invalid-option",
        `invalid address: the model lies on another server; open your own with: gradcam studio --model FILE`,
      );
    studio.backend.value = await local("start", { base, prefer: wanted }, { onProgress: watch });
    return await local("open", source, { onProgress: watch });
  } finally {
    studio.loading.value = undefined;
  }
}

/** From nothing: on the first visit, and where that failed. */
export async function start(): Promise<void> {
  launch((...lost) => void revive(...lost));
  try {
    opened(await untilReady(begin()));
    lookAgain();
  } catch (error) {
    // A worker does not ask again for a script that it could not have; another one does.
    if (/dynamically imported/.test(String(error)) && ++losses <= mostLosses) {
      await pause(losses);
      return start();
    }
    losses = 0;
    complain(error, { again: () => void start() });
  }
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/** Losses since the last answer: what kills every worker is not tried for ever. */
let losses = 0;
const mostLosses = 3;
let lastLoss = 0;

/** The worker died, or its graphics device was lost: another one takes up where it was. */
async function revive(answered: boolean, device = false): Promise<void> {
  if (performance.now() - lastLoss > 60_000) losses = 0;
  lastLoss = performance.now();
  const attempt = ++losses;
  const again = () => {
    losses = 0;
    void revive(answered, device);
  };
  if (attempt > mostLosses) {
    giveUp(again);
    const why = answered
      ? new UserError("too-large", "too large: the engine stopped again and again")
      : new UserError("missing-file", "missing engine: its script cannot be fetched");
    complain(why, { again });
    return;
  }
  withoutDevice ||= device && attempt > 1;
  launch((alive, lost) => void revive(alive || answered, lost));
  if (answered)
    tell(
      device
        ? "The graphics device was lost: the engine was started again"
        : "The engine stopped and was started again",
      `${device ? "" : "The browser may have run out of memory. "}Nothing you chose is lost: model, picture, question and strokes are there again; a test that was running has to be started anew.`,
    );
  try {
    await untilReady(
      (async () => {
        await pause(attempt - 1);
        await takeUp();
      })(),
    );
    void lookAtGiven(undefined); // what was given meanwhile
  } catch (error) {
    if (!(error instanceof WorkerLost)) complain(error, { again });
  }
  studio.loading.value = undefined;
}

/** Gives a new worker what the old one had. What is on the page stays as it is meanwhile. */
async function takeUp(): Promise<void> {
  let info = await begin();
  if (byHand) info = await local("prepare", byHand);
  for (const restore of restorers) await restore();
  if (studio.sentTo.value !== undefined) return; // the page shows the server's answers
  if (!studio.model.value) return opened(info);
  studio.model.value = info;
  const { shown, seen, chosen } = studio;
  if (!shown.value || !seen.value) return;
  const [whole, edited] = await lookWithStrokes(shown.value, local);
  await place(shown.value, whole, edited, chosen.value);
}

/** Opens another model; the old one stays where the new one is refused. The picture is shown to the new one. */
export function open(request: OpenRequest): Promise<boolean> {
  return inTurn(async () => {
    studio.loading.value = { done: Number.NaN, what: "Opening the model" };
    try {
      const info = await call("open", request, { onProgress: watch });
      disconnect(); // what is opened here is asked here
      opened(info);
      source = request;
      lookAgain();
      return true;
    } catch (error) {
      if (error instanceof WorkerLost)
        complain(new UserError("too-large", "too large model: the engine stopped while it was opened"));
      else complain(error);
      return false;
    } finally {
      studio.loading.value = undefined;
    }
  });
}

/** What a person has set so far, while it is being tried. */
let wanted: Preprocess | undefined;
/** Until the engine prepares pictures as the page says. */
let preparing = Promise.resolve();
const followPreparation = latest(async (how: Preprocess | undefined) => {
  await inTurn(() => prepare(how));
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
    const info = await call("prepare", how);
    // Tried before it is shown to hold. Strokes are of one input, and this is another.
    const seen = picture && (await call("show", picture));
    forgetStrokes();
    batch(() => {
      studio.model.value = info;
      if (!seen) return;
      studio.patch.value = studio.untouched.value = studio.answer.value = undefined;
      studio.seen.value = seen;
      studio.chosen.value = kept;
    });
    byHand = how;
  } catch (error) {
    complain(error);
    if (!before) return;
    wanted = undefined;
    await call("prepare", byHand);
    if (picture) studio.seen.value = (await lookWithStrokes(picture)).at(-1);
    studio.model.value = { ...before }; // its form shows again what holds
  }
}

/** Asks a server for its models. Nothing else is sent before one of them is chosen. */
export async function connectTo({ url, token }: ServerAddress): Promise<void> {
  await useThisDevice();
  studio.loading.value = { done: Number.NaN, what: "Asking the server" };
  try {
    const address = serverAddress(url);
    const asked = launchRemote(address.origin, () => void useThisDevice());
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
  const remote = asksServer();
  if (!remote || !server) return;
  studio.loading.value = { done: Number.NaN, what: `Asking ${server.host}` };
  try {
    const info = await remote.call("useModel", name);
    batch(() => {
      studio.server.value = { ...server, used: true };
      opened(info);
    });
    const { value: picture } = studio.shown;
    if (picture) {
      const [seen] = await lookWithStrokes(picture);
      await place(picture, seen, undefined, undefined);
    }
  } catch (error) {
    complain(error);
    await useThisDevice();
  }
  studio.loading.value = undefined;
}

/** Ends the connection; what is asked next is asked here. */
function disconnect(): void {
  endRemote();
  studio.server.value = undefined;
}

/** The model that is open here is asked again. */
export async function useThisDevice(): Promise<void> {
  const was = studio.sentTo.value;
  disconnect();
  if (was === undefined) return;
  try {
    const how = byHand;
    opened(await call("prepare", how));
    byHand = how;
    lookAgain();
  } catch (error) {
    complain(error);
  }
}

function opened(info: ModelInfo): void {
  byHand = undefined;
  forgetStrokes();
  batch(() => {
    const known = info.layers.some(({ name }) => name === studio.layer.value);
    studio.model.value = info;
    studio.seen.value = studio.answer.value = studio.chosen.value = studio.hovered.value = undefined;
    studio.patch.value = studio.untouched.value = undefined;
    if (!known) studio.layer.value = undefined;
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
      losses = 0;
      batch(() => {
        const known = answer.prediction ? withScore(seen, question.class, answer.prediction) : seen;
        studio.answer.value = { question, seen: known, answer };
        if (studio.seen.value === seen) studio.seen.value = known;
      });
    } catch (error) {
      complain(error, { again: () => void ask({ question, seen }) });
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

/** Calls whose answers only one part of the page wants. */
export const ask = call;

/** Hands a person a file. */
export async function save(kind: ExportKind): Promise<void> {
  await preparing;
  await painted;
  const { value: question } = studio.question;
  const asked = question ?? { class: 0, method: studio.method.value };
  const picture = (studio.shown.value?.name ?? "picture").replace(/\.[a-z0-9]{2,5}$/i, "");
  const { colours, opacity, threshold, boxed } = studio;
  const drawn = { colormap: colours.value, opacity: opacity.value, threshold: threshold.value, boxed: boxed.value };
  try {
    const made = await persistently(() => call("export", { kind, question: asked, picture, ...drawn }));
    handOver(made);
    if (made.note) tell("Saved, with less in it", made.note);
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
