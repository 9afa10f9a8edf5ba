/** @file Conditions and numbers in a report's words. */
import type { Estimate } from "../../evaluate/statistics.ts";
import { methods } from "../../methods/index.ts";
import type { Scale } from "../kinds/kind.ts";
import { control } from "../kinds/prediction.ts";

export const nameOf = (condition: string): string =>
  condition === control ? "no explanation" : (methods.find(({ name }) => name === condition)?.title ?? condition);

/** A share in percent, a score as it is. */
export const number = (value: number, { share }: Scale, sign = false): string => {
  const text = share ? `${(100 * value).toFixed(1)}` : value.toFixed(2);
  return `${sign && value > 0 ? "+" : ""}${text}`.replace("-", "−");
};

export const interval = ({ low, high }: Estimate, scale: Scale, sign = false): string =>
  Number.isFinite(low) ? `${number(low, scale, sign)} to ${number(high, scale, sign)}` : "none";
