/** @file A server that is asked in place of the model here. */
import { batch } from "@preact/signals";
import { UserError } from "gradcam";
import type { ServerAddress } from "../engine/contract.ts";
import { asksServer, call, endRemote, launchRemote } from "./engine.ts";
import { complain } from "./notices.ts";
import { opened, preparedByHand } from "./opened.ts";
import { lookAgain, lookWithStrokes, place } from "./pictures.ts";
import * as studio from "./studio.ts";

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
export function disconnect(): void {
  endRemote();
  studio.server.value = undefined;
}

/** The model that is open here is asked again. */
export async function useThisDevice(): Promise<void> {
  const was = studio.sentTo.value;
  disconnect();
  if (was === undefined) return;
  try {
    const how = preparedByHand();
    opened(await call("prepare", how), how);
    lookAgain();
  } catch (error) {
    complain(error);
  }
}
