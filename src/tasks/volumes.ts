/** @file Volumes as samples: arrays [C, depth, height, width], fed as they are. */

import { type Dense, ofRank } from "../array/dense.ts";
import { type Alignment, spanned, upsample } from "../image/geometry.ts";
import { type Box3, box3, type Point3, peak3 } from "../image/locate-volume.ts";
import { layOn } from "./placing.ts";
import {
  type Feeding,
  fitted,
  isPicture,
  isSignal,
  type PreparedSample,
  plainSample,
  refuse,
  type Sample,
} from "./sample.ts";

export interface VolumeSubject {
  /** [C, depth, height, width]. */
  readonly volume: Dense;
}

export interface VolumePlace {
  /** The map on the volume's voxels, [depth, height, width]; computed when it is read. */
  readonly onVolume: Dense;
  /** The voxel in which the map is largest; undefined for a blank map. */
  readonly peak?: Point3;
  /** Around the largest connected part above 15 % of the maximum. */
  readonly box?: Box3;
}

/** @throws UserError `invalid-input` for an array of another shape, and for what is no array. */
export function prepareVolume(sample: Sample, feeding: Feeding): PreparedSample<VolumeSubject, VolumePlace> {
  if (isPicture(sample) || isSignal(sample)) return refuse(sample, feeding);
  const input = fitted(sample, feeding);
  const volume = plainSample(input, feeding.axes);
  const size = volume.dims.slice(1);
  const lay = layOn<"onVolume", Dense, Pick<VolumePlace, "peak" | "box">>({
    ...{ name: "onVolume", where: ["peak", "box"], axes: 3 },
    spread: (map, alignment) => resize(map, size, alignment),
    locate(values, { dims: cells }, { rule, alignment }) {
      const within = alignment?.map((centres, axis) => spanned(centres, cells[axis] ?? 1, size[axis] ?? 1));
      return { peak: peak3(values, { rule, within }), box: box3(values) };
    },
  });
  return { input, prepared: false, subject: { volume }, lay };
}

/** Linear along each axis, the values at the centres of their cells: each slice is resized, then the row of slices. */
function resize({ data, dims }: Dense, size: readonly number[], [along, ...inPlane]: Alignment = []): Dense {
  const [[d, h, w], [depth, height, width]] = [ofRank(dims, 3), ofRank(size, 3)];
  const plane = height * width;
  const slices = new Float32Array(d * plane);
  for (let z = 0; z < d; z++)
    slices.set(upsample(data.subarray(z * h * w, (z + 1) * h * w), [h, w], [height, width], inPlane), z * plane);
  return { data: upsample(slices, [d, plane], [depth, plane], [along]), dims: size };
}
