/** @file Signals as samples: a recording is brought to the length that the model takes, or fed as it is where that is free. */

import type { Dense } from "../array/dense.ts";
import { UserError } from "../errors.ts";
import { type CellCentres, spanned, upsample } from "../image/geometry.ts";
import { locate } from "../image/locate.ts";
import { plainDims } from "../read/axes.ts";
import { mono, type Signal, stretch } from "../signal/signal.ts";
import { layOn } from "./placed-map.ts";
import {
  type Feeding,
  fitted,
  fromPlainSample,
  isPicture,
  isSignal,
  type PreparedSample,
  plainSample,
  refuse,
  type Sample,
} from "./sample.ts";

export interface SignalSubject {
  readonly signal: Signal;
}

export interface SignalPlace {
  /** The map on the signal's samples; computed when it is read. */
  readonly onSignal: Float32Array;
  /** When the map is largest: seconds, or samples where the rate is unknown; undefined for a blank map. */
  readonly peak?: { readonly t: number };
  /** From when to when the longest part above 15 % of the maximum lasts, in the same unit. */
  readonly span?: readonly [from: number, to: number];
}

/** @throws UserError `invalid-input` for an array of another shape, a recording of other channels, and for what is no signal. */
export function prepareSignal(sample: Sample, feeding: Feeding): PreparedSample<SignalSubject, SignalPlace> {
  if (isPicture(sample)) refuse(sample, feeding);
  const signal = isSignal(sample) ? sample : channelsOf(plainSample(fitted(sample, feeding), feeding.axes));
  const input = isSignal(sample) ? asInput(sample, feeding) : fitted(sample, feeding);
  const { length } = signal.channels[0];
  const unit = 1 / (signal.rate ?? 1);
  // A recording that was stretched has as many more samples for one of the input's.
  const stretched = length / input.dims[1];
  const lay = layOn<"onSignal", Float32Array, Pick<SignalPlace, "peak" | "span">>({
    ...{ name: "onSignal", where: ["peak", "span"], axes: 1 },
    spread: ({ data, dims: [cells] }, [along] = []) =>
      upsample(data, [1, cells], [1, length], [undefined, along && scaled(along, stretched)]),
    locate(data, { dims: [cells] }, { rule, alignment: [along] = [] }) {
      const within = along && ([[0, 1], spanned(along, cells, length, stretched)] as const);
      const { peak, box } = locate({ width: length, height: 1, data }, { rule, within });
      return {
        ...(peak && { peak: { t: (peak.x + 0.5) * unit } }),
        ...(box && { span: [box[0] * unit, box[2] * unit] as const }),
      };
    },
  });
  return { input, prepared: isSignal(sample), subject: { signal }, lay };
}

const scaled = ({ start, step }: CellCentres, by: number): CellCentres => ({ start: start * by, step: step * by });

function channelsOf({ data, dims: [count, length] }: Dense): Signal {
  return { channels: Array.from({ length: count }, (_, c) => data.subarray(c * length, (c + 1) * length)) };
}

/** A model of one channel hears all of a recording's as their mean. */
function asInput(signal: Signal, { name, dims, axes }: Feeding): Dense {
  const [, count, wanted] = plainDims(dims, axes);
  const { channels } = count === 1 ? mono(signal) : signal;
  if (count > 0 && channels.length !== count)
    throw new UserError(
      "invalid-input",
      `invalid input: "${name}" takes ${count} channels, the recording has ${channels.length}`,
    );
  const length = wanted > 0 ? wanted : channels[0].length;
  const data = new Float32Array(channels.length * length);
  channels.forEach((channel, c) => {
    data.set(stretch(channel, length), c * length);
  });
  return fromPlainSample({ data, dims: [channels.length, length] }, axes);
}
