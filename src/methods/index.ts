/** @file The registry of methods: library, command line, documents and tests read this one list. */
import { listing, UserError } from "../errors.ts";
import { cam } from "./cam.ts";
import { combined } from "./combined.ts";
import { dRise } from "./d-rise.ts";
import { deconvGradCam } from "./deconv-grad-cam.ts";
import { deconvolution } from "./deconvolution.ts";
import { deepFeatureFactorisation } from "./deep-feature-factorisation.ts";
import { edges } from "./edges.ts";
import { eigenCam, eigenGradCam } from "./eigen-cam.ts";
import { elementWiseGradCam } from "./element-wise-grad-cam.ts";
import { finerCam } from "./finer-cam.ts";
import { fullGrad } from "./full-grad.ts";
import { gradCam } from "./grad-cam.ts";
import { gradCamPlusPlus } from "./grad-cam++.ts";
import { blurIg } from "./gradient/blur-ig.ts";
import { deepLift } from "./gradient/deeplift.ts";
import { gradientShap } from "./gradient/gradient-shap.ts";
import { guidedIg } from "./gradient/guided-ig.ts";
import { inputXGradient } from "./gradient/input-x-gradient.ts";
import { integratedGradients } from "./gradient/integrated-gradients.ts";
import { smoothGrad } from "./gradient/smoothgrad.ts";
import { squareGrad } from "./gradient/squaregrad.ts";
import { varGrad } from "./gradient/vargrad.ts";
import { gradient } from "./gradient.ts";
import { guidedBackprop } from "./guided-backprop.ts";
import { guidedGradCam } from "./guided-grad-cam.ts";
import { hiResCam } from "./hires-cam.ts";
import { layerCam } from "./layer-cam.ts";
import { ablationCam, reciproCam, scoreCam, smoothGradCamPlusPlus } from "./many-runs.ts";
import type { Method } from "./method.ts";
import { occlusion } from "./occlusion.ts";
import { odam } from "./odam.ts";
import { randomCam } from "./random.ts";
import { rise } from "./rise.ts";
import { shapleyCam } from "./shapley-cam.ts";
import { xgradCam } from "./xgrad-cam.ts";

const registered = [
  gradCam,
  hiResCam,
  guidedBackprop,
  guidedGradCam,
  deconvolution,
  gradient,
  occlusion,
  layerCam,
  odam,
  dRise,
  gradCamPlusPlus,
  elementWiseGradCam,
  xgradCam,
  eigenCam,
  eigenGradCam,
  randomCam,
  scoreCam,
  ablationCam,
  finerCam,
  cam,
  reciproCam,
  shapleyCam,
  fullGrad,
  deconvGradCam,
  deepFeatureFactorisation,
  smoothGradCamPlusPlus,
  inputXGradient,
  smoothGrad,
  varGrad,
  squareGrad,
  integratedGradients,
  gradientShap,
  blurIg,
  guidedIg,
  deepLift,
  rise,
  edges,
] as const;

/** The methods' names. */
export type MethodName = (typeof registered)[number]["name"];

export const methods: readonly Method<MethodName>[] = registered.map((method) => combined<MethodName>(method));

/** Names that a person wrote; @throws UserError `unknown-name` for one that is none. */
export const methodNames = (names: readonly string[]): MethodName[] => names.map((name) => methodNamed(name).name);

/** @throws UserError `unknown-name` that lists the methods. */
export function methodNamed(name: string): Method<MethodName> {
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
