/** @file The model that is asked here: the one that is opened first, and others in its place. */
import { UserError } from "gradcam";
import { WorkerLost } from "../engine/client.ts";
import type { ModelInfo, OpenRequest, Progress } from "../engine/contract.ts";
import { call, inTurn, local } from "./engine.ts";
import { complain } from "./notices.ts";
import { opened } from "./opened.ts";
import { lookAgain } from "./pictures.ts";
import { disconnect } from "./server.ts";
import * as studio from "./studio.ts";

const base = new URL(".", document.baseURI).href;

/** The model that is opened first: the bundled one, or one beside the studio, as `gradcam studio --model` serves it. */
const own = new URLSearchParams(location.search).get("model");
let source: OpenRequest = { source: new URL(own ?? "models/efficientnet-lite0/", base).href };

const watch = (progress: Progress) => {
  studio.loading.value = progress;
};

/** A worker with the engine and the model that was opened last. */
export async function begin(withoutDevice: boolean): Promise<ModelInfo> {
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
