/** @file Figures of detections' maps: means with their intervals, and how far each way is ahead of another on the same detections. */
import { randomFor } from "../../array/random.ts";
import { bootstrap, type Estimate } from "../../array/statistics.ts";
import { control, type DetectionRecord } from "./examine.ts";

export const detectionFigures = ["pointing", "energy", "odi", "deletion", "insertion"] as const;
export type DetectionFigure = (typeof detectionFigures)[number];

/** Of which less is better. */
export const lessIsBetter: ReadonlySet<string> = new Set<DetectionFigure>(["odi", "deletion"]);

export interface WayFigure extends Estimate {
  readonly way: string;
  readonly figure: DetectionFigure;
}

export interface WayDifference extends WayFigure {
  readonly than: string;
}

/** The mean over all detections; intervals are over pictures, since maps of one picture are alike. */
export function figuresOf(records: readonly DetectionRecord[], seed = 0): WayFigure[] {
  return waysOf(records).flatMap((way) =>
    detectionFigures.flatMap((figure) => {
      const own = records.flatMap(({ picture, way: its, values }) => {
        const value = values[figure];
        return its === way && value !== undefined ? [{ picture, value }] : [];
      });
      return own.length ? [{ way, figure, ...estimate(own, [seed, way, figure]) }] : [];
    }),
  );
}

/** @param than by default the control */
export function differencesOf(records: readonly DetectionRecord[], than = control, seed = 0): WayDifference[] {
  const key = ({ picture, detection }: DetectionRecord) => JSON.stringify([picture, detection]);
  const others = new Map(records.filter(({ way }) => way === than).map((one) => [key(one), one.values]));
  return waysOf(records)
    .filter((way) => way !== than)
    .flatMap((way) =>
      detectionFigures.flatMap((figure) => {
        const pairs = records.flatMap((one) => {
          const [value, other] = [one.values[figure], others.get(key(one))?.[figure]];
          if (one.way !== way || value === undefined || other === undefined) return [];
          return [{ picture: one.picture, value: value - other }];
        });
        return pairs.length ? [{ way, than, figure, ...estimate(pairs, [seed, way, than, figure]) }] : [];
      }),
    );
}

const waysOf = (records: readonly DetectionRecord[]): string[] => [...new Set(records.map(({ way }) => way))];

function estimate(
  values: readonly { readonly picture: string; readonly value: number }[],
  name: readonly (string | number)[],
): Estimate {
  const pictures = new Map<string, { total: number; count: number }>();
  for (const { picture, value } of values) {
    const { total, count } = pictures.get(picture) ?? { total: 0, count: 0 };
    pictures.set(picture, { total: total + value, count: count + 1 });
  }
  const sums = [...pictures.values()];
  const meanOf = (drawn: readonly { readonly total: number; readonly count: number }[]) =>
    drawn.reduce((sum, { total }) => sum + total, 0) / drawn.reduce((sum, { count }) => sum + count, 0);
  return bootstrap(sums, meanOf, randomFor("detections", ...name));
}
