/** @file WAV files made by hand, of every coding. */

export interface Coding {
  /** 1 PCM, 3 IEEE floats. */
  readonly code?: number;
  readonly bits: number;
  readonly rate?: number;
  /** Written as WAVE_FORMAT_EXTENSIBLE. */
  readonly extensible?: boolean;
  /** A chunk of odd length that a reader must pass over. */
  readonly before?: string;
}

/** Channels of -1 to 1 as a file. */
export function waveFile({ code = 1, bits, rate = 8000, extensible = false, before }: Coding, channels: number[][]) {
  const width = bits / 8;
  const frame = width * channels.length;
  const samples = Buffer.alloc(frame * channels[0].length);
  channels.forEach((channel, c) => {
    channel.forEach((value, i) => {
      const at = i * frame + c * width;
      if (code === 3) bits === 32 ? samples.writeFloatLE(value, at) : samples.writeDoubleLE(value, at);
      else if (bits === 8) samples.writeUInt8(Math.round(value * 127) + 128, at);
      else samples.writeIntLE(Math.round(value * (2 ** (bits - 1) - 1)), at, width);
    });
  });
  const format = Buffer.alloc(extensible ? 40 : 16);
  format.writeUInt16LE(extensible ? 0xfffe : code, 0);
  format.writeUInt16LE(channels.length, 2);
  format.writeUInt32LE(rate, 4);
  format.writeUInt32LE(rate * frame, 8);
  format.writeUInt16LE(frame, 12);
  format.writeUInt16LE(bits, 14);
  if (extensible) format.writeUInt16LE(code, 24);
  const chunks = [
    ...(before === undefined ? [] : [chunk("LIST", Buffer.from(before))]),
    chunk("fmt ", format),
    chunk("data", samples),
  ];
  return chunk("RIFF", Buffer.concat([Buffer.from("WAVE"), ...chunks]));
}

function chunk(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(8, name, "latin1");
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content, Buffer.alloc(content.length % 2)]);
}
