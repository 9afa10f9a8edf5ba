/** @file The worker that paints scenes: a fine one takes longer than a page may stand still, and the other workers have networks to run. */
import { paint } from "gradcam/scenes";
import { toImageData } from "gradcam/web";
import { answerCalls } from "./answering.ts";
import type { Calls } from "./contract.ts";

answerCalls({
  paint: async ({ scene, pixels }: Calls["paint"][0]) => toImageData(paint(scene, pixels).picture),
});
