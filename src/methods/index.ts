/** @file The registry of methods: library, command line, documents and tests read this one list. */
import { listing, UserError } from "../errors.ts";
import { deconvolution } from "./deconvolution.ts";
import { gradCam } from "./grad-cam.ts";
import { gradient } from "./gradient.ts";
import { guidedBackprop } from "./guided-backprop.ts";
import { guidedGradCam } from "./guided-grad-cam.ts";
import { hiResCam } from "./hires-cam.ts";
import type { Method } from "./method.ts";
import { occlusion } from "./occlusion.ts";

export const methods: readonly Method[] = [
  gradCam,
  hiResCam,
  guidedBackprop,
  guidedGradCam,
  deconvolution,
  gradient,
  occlusion,
];

/** @throws UserError `unknown-name` that lists the methods. */
export function methodNamed(name: string): Method {
  const method = methods.find((m) => m.name === name);
  if (!method)
    throw new UserError(
      "unknown-name",
      `unknown method: "${name}"; allowed are ${listing(
        methods.map((m) => m.name),
        40,
      )}`,
    );
  return method;
}
