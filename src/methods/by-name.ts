/** @file Methods by their names, or one's own: the module of each is loaded when it is first named, so that nobody loads those that he does not ask. */
import { expects, listing, UserError } from "../errors.ts";
import { combined } from "./combined.ts";
import { defineMethod } from "./define.ts";
import { gradCam } from "./grad-cam.ts";
import type { Method } from "./method.ts";

const loaders = {
  "grad-cam": async () => gradCam,
  "hires-cam": async () => (await import("./hires-cam.ts")).hiResCam,
  "guided-backprop": async () => (await import("./guided-backprop.ts")).guidedBackprop,
  "guided-grad-cam": async () => (await import("./guided-grad-cam.ts")).guidedGradCam,
  deconvolution: async () => (await import("./deconvolution.ts")).deconvolution,
  gradient: async () => (await import("./gradient.ts")).gradient,
  occlusion: async () => (await import("./occlusion.ts")).occlusion,
  "layer-cam": async () => (await import("./layer-cam.ts")).layerCam,
  odam: async () => (await import("./odam.ts")).odam,
  "d-rise": async () => (await import("./d-rise.ts")).dRise,
  "grad-cam++": async () => (await import("./grad-cam++.ts")).gradCamPlusPlus,
  "element-wise-grad-cam": async () => (await import("./element-wise-grad-cam.ts")).elementWiseGradCam,
  "xgrad-cam": async () => (await import("./xgrad-cam.ts")).xgradCam,
  "eigen-cam": async () => (await import("./eigen-cam.ts")).eigenCam,
  "eigen-grad-cam": async () => (await import("./eigen-grad-cam.ts")).eigenGradCam,
  random: async () => (await import("./random.ts")).randomCam,
  "score-cam": async () => (await import("./many-runs.ts")).scoreCam,
  "ablation-cam": async () => (await import("./many-runs.ts")).ablationCam,
  "finer-cam": async () => (await import("./finer-cam.ts")).finerCam,
  cam: async () => (await import("./cam.ts")).cam,
  "recipro-cam": async () => (await import("./many-runs.ts")).reciproCam,
  "smooth-grad-cam++": async () => (await import("./many-runs.ts")).smoothGradCamPlusPlus,
  "input-x-gradient": async () => (await import("./gradient/input-x-gradient.ts")).inputXGradient,
  smoothgrad: async () => (await import("./gradient/smoothgrad.ts")).smoothGrad,
  vargrad: async () => (await import("./gradient/vargrad.ts")).varGrad,
  squaregrad: async () => (await import("./gradient/squaregrad.ts")).squareGrad,
  "integrated-gradients": async () => (await import("./gradient/integrated-gradients.ts")).integratedGradients,
  "gradient-shap": async () => (await import("./gradient/gradient-shap.ts")).gradientShap,
  "blur-ig": async () => (await import("./gradient/blur-ig.ts")).blurIg,
  "guided-ig": async () => (await import("./gradient/guided-ig.ts")).guidedIg,
  deeplift: async () => (await import("./gradient/deeplift.ts")).deepLift,
  rise: async () => (await import("./rise.ts")).rise,
  edges: async () => (await import("./edges.ts")).edges,
  lrp: async () => (await import("./propagation/lrp.ts")).lrp,
  "attn-lrp": async () => (await import("./propagation/attn-lrp.ts")).attnLrp,
  "excitation-backprop": async () => (await import("./propagation/excitation-backprop.ts")).excitationBackprop,
  lime: async () => (await import("./black-box/lime.ts")).lime,
  "kernel-shap": async () => (await import("./black-box/kernel-shap.ts")).kernelShap,
  sobol: async () => (await import("./black-box/sobol.ts")).sobol,
  hsic: async () => (await import("./black-box/hsic.ts")).hsic,
  "extremal-perturbation": async () => (await import("./black-box/extremal-perturbation.ts")).extremalPerturbation,
  "minimal-sufficient": async () => (await import("./black-box/minimal-sufficient.ts")).minimalSufficient,
  xrai: async () => (await import("./gradient/xrai.ts")).xrai,
  "shapley-cam": async () => (await import("./shapley-cam.ts")).shapleyCam,
  attention: async () => (await import("./attention/raw-attention.ts")).rawAttention,
  "attention-rollout": async () => (await import("./attention/attention-rollout.ts")).attentionRollout,
  "gradient-x-attention": async () => (await import("./attention/gradient-x-attention.ts")).gradientXAttention,
  chefer: async () => (await import("./attention/chefer.ts")).chefer,
  legrad: async () => (await import("./attention/legrad.ts")).leGrad,
  "full-grad": async () => (await import("./full-grad.ts")).fullGrad,
  "deconv-grad-cam": async () => (await import("./deconv-grad-cam.ts")).deconvGradCam,
  "deep-feature-factorisation": async () => (await import("./deep-feature-factorisation.ts")).deepFeatureFactorisation,
};

/** The methods' names. */
export type MethodName = keyof typeof loaders;

/** A method by its name, or one's own. */
export type MethodChoice = MethodName | Method;

export const methodNames = Object.keys(loaders) as readonly MethodName[];

/** A name that a person wrote; @throws UserError `unknown-name` that lists the methods. */
export function methodName(name: string): MethodName {
  if (Object.hasOwn(loaders, name)) return name as MethodName;
  throw new UserError("unknown-name", `unknown method: "${name}"; allowed are ${listing(methodNames, 40)}`);
}

/** @throws UserError `unknown-name`. */
export const loadMethod = async (name: string): Promise<Method<MethodName>> =>
  combined<MethodName>(await loaders[methodName(name)]());

/** @throws UserError `unknown-name` for a name that is none, `invalid-option` for an object that is no method. */
export async function methodOf(given: MethodChoice): Promise<Method> {
  if (typeof given === "string") return loadMethod(given);
  const its = Object.hasOwn(loaders, given?.name) ? await loadMethod(given.name) : undefined;
  return its === given ? given : ownMethod(given);
}

/** Those that were asked for; @throws UserError as `methodOf`, and for two methods of one name, whose maps nobody could tell apart. */
export async function methodsOf(given: MethodChoice | readonly MethodChoice[] = "grad-cam"): Promise<Method[]> {
  const chosen = await Promise.all([given].flat().map(methodOf));
  const names = new Set(chosen.map(({ name }) => name));
  expects(names.size === new Set(chosen).size, "methods", [...names].join(", "), "different names");
  return chosen;
}

/** @throws UserError `invalid-option` for what is no method, or has the name of a built-in one. */
export function ownMethod(given: Method): Method {
  const own = defineMethod(given);
  expects(!Object.hasOwn(loaders, own.name), "name of a method", own.name, "a name of its own");
  return own;
}
