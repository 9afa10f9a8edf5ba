/**
 * @file One map of several, on the finest of their grids: each divided by its largest magnitude, and at each place the one that is largest, as
 * detectors of several levels are often shown.
 *
 *   L(p) = max_i L_i(p) / max |L_i|
 */
import { type Dense, ofRank } from "../array/dense.ts";
import { type Alignment, upsample } from "../image/geometry.ts";
import { product } from "../onnx/dims.ts";

/** A map [rows, columns], and where its cells lie on the network's input; evenly over it where nothing is said. */
export interface Joinable {
  readonly map: Dense;
  readonly alignment?: Alignment;
}

/** The one whose grid is the finest, the first of equal ones. */
export const finestOf = <T extends Joinable>(maps: readonly [T, ...T[]]): T =>
  maps.reduce((finest, one) => (product(one.map.dims) > product(finest.map.dims) ? one : finest));

/** A single map is left as it is, raw. */
export function joinedMap(maps: readonly [Joinable, ...Joinable[]]): Dense {
  const finest = finestOf(maps);
  if (maps.length === 1) return finest.map;
  const { dims } = finest.map;
  const data = new Float32Array(product(dims));
  for (const one of maps) {
    const most = one.map.data.reduce((all, v) => Math.max(all, Math.abs(v)), 0);
    if (most === 0) continue;
    const values = onGridOf(one, finest);
    for (let i = 0; i < data.length; i++) {
      const [value, other] = [(values[i] as number) / most, data[i] as number];
      // What is not a number is seen in the joined map, too.
      if (!(Math.abs(value) <= Math.abs(other)) && !Number.isNaN(other)) data[i] = value;
    }
  }
  return { data, dims };
}

function onGridOf({ map, alignment }: Joinable, finest: Joinable): Float32Array {
  const [from, to] = [ofRank(map.dims, 2), ofRank(finest.map.dims, 2)];
  if (String(from) === String(to)) return map.data;
  // Where both are told on the input, the cells of one as places among those of the other.
  const cells = to.map((_, axis) => {
    const [own, other] = [alignment?.[axis], finest.alignment?.[axis]];
    if (!own || !other) return undefined;
    return { start: (own.start - other.start) / other.step + 0.5, step: own.step / other.step };
  });
  return upsample(map.data, from, to, cells);
}
