/**
 * @file Whether gradients are right, by the one fact that defines them: along any direction u the score changes by <gradient, u>.
 *
 * A random cotangent and a few random directions stand for the whole Jacobian: a check costs one gradient, and two forward passes a
 * direction.
 */
import { randomNormal } from "../array/random.ts";
import { checkOptions, expects, isRecord, type OptionNames, UserError } from "../errors.ts";
import { type Feeds, openSession, type Runtime, run, type SessionOptions } from "../onnx/runtime.ts";
import type { Overrides } from "./differentiate.ts";
import type { Rules } from "./rules.ts";
import { vjp } from "./vjp.ts";

export interface CheckOptions {
  /** Where to check: values of the model's inputs, float32 where `wrt` names them, away from kinks. */
  readonly feeds: Feeds;
  /** Inputs to check; every float32 input by default. */
  readonly wrt?: readonly string[];
  /** The output that is projected; the first by default. */
  readonly output?: string;
  readonly rules?: Rules | Overrides;
  /** The model is affine in the inputs checked: any step is exact, so a whole one is taken and the identity holds to rounding. */
  readonly linear?: boolean;
  /** Half the distance of the central difference; 1e-2 by default. */
  readonly step?: number;
  /** How many random directions are tried, of which the worst is reported; 4 by default. */
  readonly directions?: number;
  readonly seed?: number;
  readonly session?: SessionOptions;
}

const checkNames: OptionNames<CheckOptions> = {
  ...{ feeds: true, wrt: true, output: true, rules: true, linear: true },
  ...{ step: true, directions: true, seed: true, session: true },
};

/** One input's check. */
export interface GradientCheck {
  readonly input: string;
  /** <gradient, u>. */
  readonly analytic: number;
  /** The central difference along u. */
  readonly numeric: number;
  /** Their distance over the root of the sum of the squared terms of <gradient, u>. */
  readonly error: number;
  /** The analytic value over the numeric one: 2 where a factor of 1/2 was forgotten, -1 where a sign was. */
  readonly factor: number;
  /** Whether the factor is the same along every direction: then the rule is right but for it. */
  readonly uniform: boolean;
  /** All this in a line, for people. */
  readonly text: string;
}

/**
 * Compares the gradient of a random projection of the output with central differences, or for affine models with the exact
 * adjoint identity. It decides nothing: a right rule gives errors near 1e-3 (affine 1e-5), a wrong one errors near 1.
 * @param bytes the ONNX file's.
 */
export async function checkVjp(ort: Runtime, bytes: Uint8Array, options: CheckOptions): Promise<GradientCheck[]> {
  checkOptions(options, checkNames, "checkVjp");
  const { feeds, rules, linear = false, directions = 4, seed = 0, session } = options;
  expects(isRecord(feeds), "feeds", feeds, "an object with a tensor for each input");
  const step = options.step ?? (linear ? 1 : 1e-2);
  expects(step > 0, "step", step, "a number above 0");
  expects(Number.isInteger(directions) && directions > 0, "directions", directions, "an integer of at least 1");
  const wrt = options.wrt ?? Object.keys(feeds).filter((name) => feeds[name].type === "float32");
  const runner = await openSession(ort, bytes, session);
  try {
    const output = options.output ?? runner.outputNames[0];
    const random = randomNormal(seed);
    const value = (await run(runner, feeds, [output]))[output];
    if (value.type !== "float32")
      throw new UserError("invalid-input", `invalid output: "${output}" is ${value.type}; a check needs float32`);
    const cotangent = random(value.data.length);
    const seeds = { [output]: new ort.Tensor("float32", cotangent, value.dims) };
    const { gradients } = await vjp(ort, bytes, { feeds, seeds, wrt, rules, session });

    const projected = async (name: string, at: Float32Array): Promise<number> => {
      const moved = { ...feeds, [name]: new ort.Tensor("float32", at, feeds[name].dims) };
      return dot((await run(runner, moved, [output]))[output].data as Float32Array, cotangent);
    };
    const along = async (input: string, u: Float32Array): Promise<Along> => {
      const x = feeds[input].data as Float32Array;
      const gradient = gradients[input].data as Float32Array;
      const [ahead, behind] = [x.map((v, i) => v + step * u[i]), x.map((v, i) => v - step * u[i])];
      // What float32 makes of the step is the step that was taken.
      const taken = ahead.map((v, i) => (v - behind[i]) / 2 / step);
      const numeric = ((await projected(input, ahead)) - (await projected(input, behind))) / (2 * step);
      const analytic = dot(gradient, taken);
      const scale = Math.sqrt(gradient.reduce((sum, g, i) => sum + (g * u[i]) ** 2, 0));
      return { analytic, numeric, error: Math.abs(analytic - numeric) / Math.max(scale, 1e-6) };
    };
    const checks: GradientCheck[] = [];
    for (const input of wrt) {
      const tried: Along[] = [];
      for (let i = 0; i < directions; i++) tried.push(await along(input, random(feeds[input].data.length)));
      checks.push(summed(input, tried));
    }
    return checks;
  } finally {
    await runner.release();
  }
}

/** What one direction said. */
type Along = Pick<GradientCheck, "analytic" | "numeric" | "error">;

/** Factors that differ by less are one: a difference of float32 has no more digits. */
const sameFactor = 0.02;

/** The worst of some directions, and what they say together. */
function summed(input: string, tried: readonly Along[]): GradientCheck {
  const { analytic, numeric, error } = tried.reduce((worst, one) => (one.error > worst.error ? one : worst));
  const factors = tried.map((one) => one.analytic / one.numeric);
  const [least, most] = [Math.min(...factors), Math.max(...factors)];
  const factor = analytic / numeric;
  const uniform = most - least <= sameFactor * Math.abs(factor);
  const sign = analytic * numeric < 0 ? "the signs differ" : "the signs agree";
  const along = uniform
    ? `in each of ${tried.length} directions`
    : `between ${short(least)} and ${short(most)} in others`;
  return {
    ...{ input, analytic, numeric, error, factor, uniform },
    text: `analytic ${short(analytic)}, numeric ${short(numeric)}: ${sign}, factor ${short(factor)}${tried.length > 1 ? `, ${along}` : ""}`,
  };
}

const short = (value: number): string => String(Number(value.toPrecision(4)));

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
