/** @file The registry: every method, for those that tell of them all. Who explains loads the one that is named, by `by-name.ts`. */

import { attentionRollout } from "./attention/attention-rollout.ts";
import { chefer } from "./attention/chefer.ts";
import { gradientXAttention } from "./attention/gradient-x-attention.ts";
import { leGrad } from "./attention/legrad.ts";
import { rawAttention } from "./attention/raw-attention.ts";
import { extremalPerturbation } from "./black-box/extremal-perturbation.ts";
import { hsic } from "./black-box/hsic.ts";
import { kernelShap } from "./black-box/kernel-shap.ts";
import { lime } from "./black-box/lime.ts";
import { minimalSufficient } from "./black-box/minimal-sufficient.ts";
import { sobol } from "./black-box/sobol.ts";
import type { MethodChoice } from "./by-name.ts";
import { type MethodName, methodName, ownMethod } from "./by-name.ts";
import { cam } from "./cam.ts";
import { combined } from "./combined.ts";
import { dRise } from "./d-rise.ts";
import { deconvGradCam } from "./deconv-grad-cam.ts";
import { deconvolution } from "./deconvolution.ts";
import { deepFeatureFactorisation } from "./deep-feature-factorisation.ts";
import { edges } from "./edges.ts";
import { eigenCam } from "./eigen-cam.ts";
import { eigenGradCam } from "./eigen-grad-cam.ts";
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
import { xrai } from "./gradient/xrai.ts";
import { gradient } from "./gradient.ts";
import { guidedBackprop } from "./guided-backprop.ts";
import { guidedGradCam } from "./guided-grad-cam.ts";
import { hiResCam } from "./hires-cam.ts";
import { layerCam } from "./layer-cam.ts";
import { ablationCam, reciproCam, scoreCam, smoothGradCamPlusPlus } from "./many-runs.ts";
import type { Method } from "./method.ts";
import { occlusion } from "./occlusion.ts";
import { odam } from "./odam.ts";
import { attnLrp } from "./propagation/attn-lrp.ts";
import { excitationBackprop } from "./propagation/excitation-backprop.ts";
import { lrp } from "./propagation/lrp.ts";
import { randomCam } from "./random.ts";
import { rise } from "./rise.ts";
import { shapleyCam } from "./shapley-cam.ts";
import { xgradCam } from "./xgrad-cam.ts";

const registered: readonly Method<MethodName>[] = [
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
  lrp,
  attnLrp,
  excitationBackprop,
  lime,
  kernelShap,
  sobol,
  hsic,
  extremalPerturbation,
  minimalSufficient,
  xrai,
  rawAttention,
  attentionRollout,
  gradientXAttention,
  chefer,
  leGrad,
  fullGrad,
  deconvGradCam,
  deepFeatureFactorisation,
];

export const methods: readonly Method<MethodName>[] = registered.map((method) => combined(method));

/** What cannot wait for a module to load, as a file that is compiled, takes a method from here; @throws UserError as `methodOf`. */
export function methodGiven(given: MethodChoice): Method {
  const name = typeof given === "string" ? methodName(given) : given?.name;
  const its = methods.find((method) => method.name === name);
  return its && (its === given || typeof given === "string") ? its : ownMethod(given as Method);
}
