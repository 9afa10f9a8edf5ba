/** @file What metrics find on the boxes of a picture: the figures of detections' maps, under the names of the metrics that they are. */
import { UserError } from "../../errors.ts";
import { methodName, methodsOf } from "../../methods/by-name.ts";
import { ownOptions } from "../../methods/options.ts";
import type { Detector } from "../../tasks/detect/detector.ts";
import type { Examined, Finding, Outcome, Protocol } from "../examine.ts";
import type { Metric, Values } from "../metrics/metric.ts";
import type { Opened } from "../sample.ts";
import { control, type DetectionRecord, examineDetections } from "./examine.ts";

/** What a metric has of a detection's figures. */
const valuesOf: Readonly<Record<string, (record: DetectionRecord) => Values>> = {
  "pointing-game": ({ values: { pointing } }) => ({ hit: pointing, difficult: 0 }),
  "energy-pointing-game": ({ values: { energy } }) => ({ share: energy }),
  deletion: ({ values: { deletion } }) => ({ area: deletion }),
  insertion: ({ values: { insertion } }) => ({ area: insertion }),
};

/** @throws UserError for a metric that is none of boxes. */
export function checkBoxMetrics(metrics: readonly string[]): void {
  const other = metrics.find((name) => !Object.hasOwn(valuesOf, name));
  if (other !== undefined)
    throw new UserError(
      "invalid-option",
      `invalid metric for a detector: ${other}; allowed are ${Object.keys(valuesOf).join(", ")}`,
    );
}

/** Methods, and the control that stands beside them. */
export const withControl = (methods: readonly string[]): string[] => [...methods, control];

/** Explains the boxes that are right, and measures their maps. */
export async function examineBoxes(
  opened: Opened,
  detector: Detector,
  { methods, metrics, layer, told = {} }: Pick<Protocol, "methods" | "metrics" | "layer" | "told">,
): Promise<Examined> {
  const { options, maxMemory } = told;
  const ways = (await methodsOf(methods.map(methodName))).map((method) => ({
    ...{ name: method.name, method: method.name, ...(layer !== undefined && { layer }) },
    ...{ options: ownOptions(method, options), maxMemory },
  }));
  const { records, broken, best } = await examineDetections(opened, detector, ways);
  const shown = withControl(methods);
  const findings = shown.flatMap((method): Finding[] => {
    const own = records.filter(({ way }) => way === method);
    return metrics.flatMap((metric: Metric) => {
      const measurements = own.flatMap((record) => {
        const values = valuesOf[metric.name]?.(record) ?? {};
        const known = Object.values(values).every((value) => value !== undefined);
        return known ? [{ class: record.class, name: record.label, values }] : [];
      });
      return measurements.length ? [{ method, metric: metric.name, measurements }] : [];
    });
  });
  const outcomes = shown.map((method): Outcome => {
    const own = records.filter(({ way }) => way === method);
    const lost = broken[method] ?? 0;
    return { method, asked: own.length + lost, blank: own.filter(({ blank }) => blank).length, broken: lost };
  });
  return { predicted: best, findings, outcomes };
}
