/** @file Signals as samples: a recording is brought to the length that the model takes, or fed as it is where that is free. */

import type { Dense } from "../array/dense.ts";
import { UserError } from "../errors.ts";
import { type Alignment, type CellCentres, spanned, upsample } from "../image/geometry.ts";
import { locate } from "../image/locate.ts";
import { plainDims } from "../read/axes.ts";
import { mono, type Signal, stretch } from "../signal/signal.ts";
import {
  checkGrid,
  type Feeding,
  fitted,
  fromPlainSample,
  isPicture,
  isSignal,
  plainSample,
  refuse,
  type Sample,
  type Seen,
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
export function hear(sample: Sample, feeding: Feeding): Seen<SignalSubject, SignalPlace> {
  if (isPicture(sample)) refuse(sample, feeding);
  const signal = isSignal(sample) ? sample : channelsOf(plainSample(fitted(sample, feeding), feeding.axes));
  const input = isSignal(sample) ? asInput(sample, feeding) : fitted(sample, feeding);
  const { length } = signal.channels[0];
  const unit = 1 / (signal.rate ?? 1);
  // A recording that was stretched has as many more samples for one of the input's.
  const stretched = length / input.dims[1];
  const onSignal = ({ data, dims: [cells] }: Dense, [along]: Alignment = []) =>
    upsample(data, [1, cells], [1, length], [undefined, along && scaled(along, stretched)]);
  const withinOf = ({ dims: [cells] }: Dense, [along]: Alignment = []) =>
    along && ([[0, 1], spanned(along, cells, length, stretched)] as const);
  return {
    input,
    prepared: isSignal(sample),
    subject: { signal },
    place(map, blank, { rule, alignment } = {}) {
      checkGrid(map, 1);
      const line = { width: length, height: 1, data: blank ? new Float32Array(length) : onSignal(map, alignment) };
      const { peak: top, box: around } = locate(line, { rule, within: withinOf(map, alignment) });
      return {
        ...(top && { peak: { t: (top.x + 0.5) * unit } }),
        ...(around && { span: [around[0] * unit, around[2] * unit] as const }),
        get onSignal() {
          return onSignal(map, alignment);
        },
      };
    },
  };
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
