/** @file Signals as samples: a recording is brought to the length that the model takes, or fed as it is where that is free. */

import { type Dense, ofRank } from "../array/dense.ts";
import { present, UserError } from "../errors.ts";
import { type CellCentres, spanned, upsample } from "../image/geometry.ts";
import { locate } from "../image/locate.ts";
import { range } from "../onnx/dims.ts";
import { plainDims } from "../read/axes.ts";
import { mono, type Signal, stretch } from "../signal/signal.ts";
import { layOn } from "./placing.ts";
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
  const heard = isSignal(sample);
  const plain = heard ? brought(sample, feeding) : plainSample(fitted(sample, feeding), feeding.axes);
  const signal = heard ? sample : channelsOf(plain);
  const { length } = present(signal.channels[0], "a channel");
  const unit = 1 / (signal.rate ?? 1);
  // A recording that was stretched has as many more samples for one of the input's.
  const stretched = length / ofRank(plain.dims, 2)[1];
  const lay = layOn<"onSignal", Float32Array, Pick<SignalPlace, "peak" | "span">>({
    ...{ name: "onSignal", where: ["peak", "span"], axes: 1 },
    spread: ({ data }, [along] = []) =>
      upsample(data, [1, data.length], [1, length], [undefined, along && scaled(along, stretched)]),
    locate(data, { data: cells }, { rule, alignment: [along] = [] }) {
      const within = along && ([[0, 1], spanned(along, cells.length, length, stretched)] as const);
      const { peak, box } = locate({ width: length, height: 1, data }, { rule, within });
      return {
        ...(peak && { peak: { t: (peak.x + 0.5) * unit } }),
        ...(box && { span: [box[0] * unit, box[2] * unit] as const }),
      };
    },
  });
  return { input: fromPlainSample(plain, feeding.axes), prepared: heard, subject: { signal }, lay };
}

const scaled = ({ start, step }: CellCentres, by: number): CellCentres => ({ start: start * by, step: step * by });

function channelsOf({ data, dims }: Dense): Signal {
  const [count, length] = ofRank(dims, 2);
  return { channels: range(count).map((c) => data.subarray(c * length, (c + 1) * length)) };
}

/** A recording as [C, length], as long as the model wants it; a model of one channel hears all of a recording's as their mean. */
function brought(signal: Signal, { name, dims, axes }: Feeding): Dense {
  const [, count, wanted = -1] = plainDims(dims, axes);
  const { channels } = count === 1 ? mono(signal) : signal;
  const wrong = `"${name}" takes ${count} channels, the recording has ${channels.length}`;
  if (count > 0 && channels.length !== count) throw new UserError("invalid-input", `invalid input: ${wrong}`);
  const length = wanted > 0 ? wanted : present(channels[0], "a channel").length;
  const data = new Float32Array(channels.length * length);
  for (const [c, channel] of channels.entries()) data.set(stretch(channel, length), c * length);
  return { data, dims: [channels.length, length] };
}
