/** @file Conditions, numbers and times in words. */
import type { Estimate } from "../../array/statistics.ts";
import { methods } from "../../methods/index.ts";
import type { Scale } from "../kinds/kind.ts";
import { control } from "../kinds/prediction.ts";

export const nameOf = (condition: string): string =>
  condition === control ? "no explanation" : (methods.find(({ name }) => name === condition)?.title ?? condition);

/** A fraction in percent, a score as it is. */
export const number = (value: number, { fraction }: Scale, sign = false): string => {
  const text = fraction ? `${(100 * value).toFixed(1)}` : value.toFixed(2);
  return `${sign && value > 0 ? "+" : ""}${text}`.replace("-", "−");
};

export const interval = ({ low, high }: Estimate, scale: Scale, sign = false): string =>
  Number.isFinite(low) ? `${number(low, scale, sign)} to ${number(high, scale, sign)}` : "none";

/** A time that is waited for: `10 minutes`, `1 hour`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const [unit, size] = seconds % 3600 === 0 ? ["hour", 3600] : seconds % 60 === 0 ? ["minute", 60] : ["second", 1];
  const count = seconds / (size as number);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
