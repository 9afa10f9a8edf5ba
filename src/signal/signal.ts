/** @file A signal: numbers over time, as a sound has them, and how it is brought to another length. */

/** Channels of equal length. */
export interface Signal {
  /** Samples a second; undefined where the file does not say, and time is counted in samples. */
  readonly rate?: number;
  readonly channels: readonly Float32Array[];
}

/** All channels as one, their mean. */
export function mono({ rate, channels }: Signal): Signal {
  if (channels.length === 1) return { rate, channels };
  const mean = channels[0].map((_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length);
  return { rate, channels: [mean] };
}

/** Zero crossings of the kernel on each side. */
const LOBES = 8;

/**
 * Samples brought to another length over the same time: a windowed sinc (Lanczos, 8 lobes), which keeps out what the fewer samples
 * could not hold.
 */
export function stretch(samples: Float32Array, length: number): Float32Array {
  const step = samples.length / length;
  if (step === 1) return samples;
  const scale = Math.max(1, step);
  const reach = LOBES * scale;
  return Float32Array.from({ length }, (_, i) => {
    const centre = (i + 0.5) * step;
    const [first, last] = [Math.max(0, Math.ceil(centre - reach - 0.5)), Math.min(samples.length - 1, centre + reach)];
    let [sum, total] = [0, 0];
    for (let j = first; j <= last; j++) {
      const weight = lanczos((j + 0.5 - centre) / scale);
      sum += weight * samples[j];
      total += weight;
    }
    return sum / total;
  });
}

function lanczos(x: number): number {
  if (x === 0) return 1;
  return Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0;
}

const sinc = (x: number): number => Math.sin(Math.PI * x) / (Math.PI * x);
