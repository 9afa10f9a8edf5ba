/** @file Options of methods in a request: as anybody's, and not so much of them that one question takes the service from the others. */
import { UserError } from "../errors.ts";
import type { MethodName } from "../methods/by-name.ts";
import { methodsOf } from "../methods/by-name.ts";
import type { GivenOptions, MethodOption } from "../methods/method.ts";
import { optionsFor } from "../methods/options.ts";

/** Times its default, at most, of what multiplies the work. */
const most = 10;

/** How large a number may be; a batch is held in memory at once, a seed is no amount, and of parts of something there are few. */
function limitOf({ name, default: usual }: MethodOption): number {
  if (typeof usual !== "number" || !Number.isInteger(usual) || usual < 1) return Number.POSITIVE_INFINITY;
  return name === "batch" ? usual : most * usual;
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
      const [value, limit] = [given[option.name], limitOf(option)];
      if (typeof value === "number" && value > limit)
        throw new UserError(
          "invalid-option",
          `invalid option ${option.name} of ${method}: ${value}; allowed is ${option.range}, and ${limit} at most in a service`,
        );
    }
}
