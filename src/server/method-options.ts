/** @file Options of methods in a request: as anybody's, and not so much of them that one question takes the service from the others. */
import { UserError } from "../errors.ts";
import type { MethodName } from "../methods/by-name.ts";
import { methodsOf } from "../methods/by-name.ts";
import type { GivenOptions, MethodOption } from "../methods/method.ts";
import { optionsFor } from "../methods/options.ts";

/** Times its default, at most, of what multiplies the work. */
const most = 10;

/**
 * The least and the largest a number may be: a batch is held in memory at once, the shorter a stride the more runs there are, a seed
 * is no amount, and of parts of something there are few.
 */
function limitsOf({ name, default: usual }: MethodOption): readonly [number, number] {
  const any = Number.POSITIVE_INFINITY;
  if (name === "samples") return [0, most * Math.max(1, Number(usual))];
  if (typeof usual !== "number" || !Number.isInteger(usual) || usual < 1) return [-any, any];
  return [name === "stride" ? Math.ceil(usual / most) : -any, name === "batch" ? usual : most * usual];
}

/** @throws UserError `invalid-option` for what no method has, is out of its range, or is more than a service answers. */
export async function checkServedOptions(
  methods: readonly MethodName[] | undefined,
  given: GivenOptions = {},
): Promise<void> {
  const named = await methodsOf(methods);
  optionsFor(named, given);
  for (const { name: method, options = [] } of named)
    for (const option of options) {
      const [value, [least, limit]] = [given[option.name], limitsOf(option)];
      if (typeof value === "number" && (value < least || value > limit))
        throw new UserError(
          "invalid-option",
          `invalid option ${option.name} of ${method}: ${value}; allowed is ${option.range}, and ${value < least ? `${least} at least` : `${limit} at most`} in a service`,
        );
    }
}
