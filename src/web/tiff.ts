/**
 * @file TIFF, which browsers do not read: the first picture of a file (TIFF 6.0), in strips or tiles, grey, by a palette, RGB or CMYK, of
 * up to 16 bits, plain or compressed as the usual programs do. What is rarer is refused in a sentence that says how to convert it.
 */
import { UserError } from "../errors.ts";
import { type Picture, picture } from "../image/picture.ts";
import { damaged, unpack, unpacks } from "./unpack.ts";

const tags = {
  ...{ width: 256, height: 257, bits: 258, compression: 259, photometric: 262, fillOrder: 266, strips: 273 },
  ...{ orientation: 274, samples: 277, rows: 278, stripBytes: 279, planar: 284, predictor: 317, palette: 320 },
  ...{ tileWidth: 322, tileHeight: 323, tiles: 324, tileBytes: 325, extra: 338, format: 339, jpegTables: 347 },
} as const;

type Tags = (name: keyof typeof tags) => readonly number[];

const jpeg = 7;
/** By their numbers: white is zero, black is zero, RGB, a palette, CMYK; YCbCr within JPEG. */
const colours = { white: 0, black: 1, rgb: 2, palette: 3, cmyk: 5, ycc: 6 } as const;

/** Limits, against files made to take long. */
const [largestSmallTile, mostParts] = [1 << 22, 200_000];

/** @throws UserError `invalid-image` for what is damaged or not read, `too-large` */
export async function decodeTiff(bytes: Uint8Array<ArrayBuffer>, maxPixels: number): Promise<Picture> {
  try {
    const of = readTags(bytes);
    const layout = layoutOf(of, maxPixels);
    return turned(inColours(await samplesOf(bytes, of, layout), of, layout), of("orientation")[0]);
  } catch (cause) {
    throw cause instanceof RangeError ? damaged(cause) : cause;
  }
}

const refused = (what: string): UserError =>
  new UserError(
    "invalid-image",
    `invalid image: it is a TIFF with ${what}, which is not read here; save it as PNG, as with: magick picture.tif picture.png`,
  );

const sizes: readonly number[] = [0, 1, 1, 2, 4, 0, 1, 1];

/** The whole numbers of the first directory. */
function readTags(bytes: Uint8Array): Tags {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = bytes[0] === 0x49;
  const number = (at: number, size: number) =>
    size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
  if (number(2, 2) !== 42) throw refused("offsets of 64 bits (BigTIFF)");
  const directory = number(4, 4);
  const places = new Map<number, number>();
  for (let i = 0; i < number(directory, 2); i++) places.set(number(directory + 2 + 12 * i, 2), directory + 2 + 12 * i);
  return (name) => {
    const at = places.get(tags[name]);
    const size = at === undefined ? 0 : sizes[number(at + 2, 2)];
    if (at === undefined || !size) return [];
    const count = number(at + 4, 4);
    const from = count * size > 4 ? number(at + 8, 4) : at + 8;
    if (from + count * size > bytes.length) throw damaged();
    return Array.from({ length: count }, (_, i) => number(from + i * size, size));
  };
}

interface Layout {
  readonly width: number;
  readonly height: number;
  /** Of a strip or a tile. */
  readonly across: number;
  readonly down: number;
  readonly bits: number;
  /** Samples of a pixel, and those of them that lie together. */
  readonly samples: number;
  readonly together: number;
  readonly colour: number;
  readonly compression: number;
}

function layoutOf(of: Tags, maxPixels: number): Layout {
  const first = (name: keyof typeof tags, usual: number) => of(name)[0] ?? usual;
  const [width, height] = [first("width", 0), first("height", 0)];
  if (width * height === 0) throw damaged();
  if (width * height > maxPixels)
    throw new UserError(
      "too-large",
      `too large image: ${width} x ${height} = ${width * height} pixels, allowed ${maxPixels}`,
    );
  const [bits, samples] = [first("bits", 1), first("samples", 1)];
  const [colour, compression] = [first("photometric", colours.black), first("compression", 1)];
  const within = compression === jpeg;
  if (!within && !unpacks(compression)) throw refused(`compression ${compression}`);
  if (first("format", 1) !== 1) throw refused("numbers that are not whole, or below 0");
  const needed = { [colours.rgb]: 3, [colours.cmyk]: 4, [colours.ycc]: 3 }[colour] ?? 1;
  const known = colour <= colours.palette || colour === colours.cmyk || (colour === colours.ycc && within);
  if (!known) throw refused(`colours of kind ${colour}`);
  if (samples < needed || samples > needed + 1) throw refused(`${samples} bands`);
  if (![1, 2, 4, 8, 16].includes(bits) || (bits < 8 && samples > 1)) throw refused(`${bits} bits a sample`);
  if (within && bits !== 8) throw refused("JPEG of more than 8 bits");
  if (first("fillOrder", 1) !== 1) throw refused("bits in another order");
  if (first("predictor", 1) > 2 || (first("predictor", 1) === 2 && bits < 8)) throw refused("a rare predictor");
  const [across, down] = [first("tileWidth", width), first("tileHeight", Math.min(height, first("rows", height)))];
  // A tile may reach beyond its picture, but not far; and nobody cuts a picture into crumbs.
  const parts = Math.ceil(width / across) * Math.ceil(height / down) * samples;
  if (across * down === 0 || across * down > Math.max(4 * width * height, largestSmallTile)) throw damaged();
  if (parts > mostParts) throw refused(`${parts} parts`);
  const together = first("planar", 1) === 2 ? 1 : samples;
  return { width, height, across, down, bits, samples, together, colour, compression };
}

type Samples = Uint8Array | Uint16Array;

/** Every sample, pixel by pixel. */
async function samplesOf(bytes: Uint8Array<ArrayBuffer>, of: Tags, layout: Layout): Promise<Samples> {
  const { width, height, across, down, bits, samples, together } = layout;
  const out = bits === 16 ? new Uint16Array(width * height * samples) : new Uint8Array(width * height * samples);
  const tiled = of("tileWidth").length > 0;
  const [places, lengths] = tiled ? [of("tiles"), of("tileBytes")] : [of("strips"), of("stripBytes")];
  const [columns, rows] = [Math.ceil(width / across), Math.ceil(height / down)];
  if (places.length < (columns * rows * samples) / together) throw damaged();
  for (let band = 0, chunk = 0; band < samples; band += together)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++, chunk++) {
        const from = places[chunk];
        const length = lengths[chunk] ?? bytes.length - from;
        if (from + length > bytes.length) throw damaged();
        const high = tiled ? down : Math.min(down, height - row * down);
        const values = await valuesOf(bytes.slice(from, from + length), of, layout, high, bytes[0] === 0x49);
        for (let y = 0; y < Math.min(high, height - row * down); y++)
          for (let x = 0; x < Math.min(across, width - column * across); x++) {
            const to = ((row * down + y) * width + column * across + x) * samples + band;
            for (let s = 0; s < together; s++) out[to + s] = values[(y * across + x) * together + s];
          }
      }
  return out;
}

/** Of a strip or a tile, so many rows. */
async function valuesOf(
  packed: Uint8Array<ArrayBuffer>,
  of: Tags,
  { across, bits, together, compression, colour }: Layout,
  high: number,
  little: boolean,
): Promise<Samples> {
  if (compression === jpeg) return throughJpeg(packed, of("jpegTables"), across, high, together, colour);
  const rowBytes = Math.ceil((across * together * bits) / 8);
  const plain = await unpack(packed, compression, rowBytes * high);
  const differences = of("predictor")[0] === 2;
  const count = across * together;
  let values: Samples = plain;
  if (bits === 16) {
    const view = new DataView(plain.buffer);
    values = Uint16Array.from({ length: count * high }, (_, i) => view.getUint16(2 * i, little));
  } else if (bits < 8) {
    const each = 8 / bits;
    const sample = (x: number, y: number) =>
      (plain[y * rowBytes + Math.floor(x / each)] >> (8 - bits - (x % each) * bits)) & ((1 << bits) - 1);
    values = Uint8Array.from({ length: count * high }, (_, i) => sample(i % count, Math.floor(i / count)));
  }
  if (differences)
    for (let y = 0; y < high; y++)
      for (let x = together; x < count; x++) values[y * count + x] += values[y * count + x - together];
  return values;
}

/** The browser's own decoder; a marker of Adobe's says whether the three are RGB. */
async function throughJpeg(
  part: Uint8Array<ArrayBuffer>,
  tables: readonly number[],
  across: number,
  high: number,
  together: number,
  colour: number,
): Promise<Samples> {
  if (together !== 3 && together !== 1) throw refused("JPEG of other colours");
  const rgb = colour === colours.rgb ? 0 : 1;
  const adobe = [0xff, 0xee, 0, 14, 65, 100, 111, 98, 101, 0, 100, 0, 0, 0, 0, rgb];
  const start = [0xff, 0xd8, ...(together === 3 ? adobe : [])];
  const file = new Blob([Uint8Array.from(start), Uint8Array.from(tables.slice(2, -2)), part.subarray(2)]);
  const bitmap = await createImageBitmap(file).catch((cause) => {
    throw damaged(cause);
  });
  const context = new OffscreenCanvas(across, high).getContext("2d", { willReadFrequently: true });
  context?.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context?.getImageData(0, 0, across, high) ?? { data: new Uint8Array() };
  return Uint8Array.from(
    { length: across * high * together },
    (_, i) => data[Math.floor(i / together) * 4 + (i % together)],
  );
}

/** As RGB over white; of 16 bits both depths, as pictures are read elsewhere. */
function inColours(values: Samples, of: Tags, { width, height, bits, samples, colour }: Layout): Picture {
  const most = 2 ** bits - 1;
  const full = bits === 16 ? 65535 : 255;
  const deep = bits === 16 ? new Uint16Array(width * height * 3) : undefined;
  const out = picture(width, height);
  const palette = of("palette");
  const size = palette.length / 3;
  if (colour === colours.palette && size <= most && values.some((v) => v >= size)) throw damaged();
  const bands = colour === colours.cmyk ? 4 : colour === colours.rgb || colour === colours.ycc ? 3 : 1;
  const alpha = samples > bands ? of("extra")[0] : 0; // 1: multiplied already, 2: not
  for (let p = 0, at = 0; at < out.data.length; p += samples)
    for (let c = 0; c < 3; c++, at++) {
      const own = values[p + (bands === 1 ? 0 : c)];
      let value = (own * full) / most;
      if (colour === colours.palette) value = palette[c * size + own] >> 8;
      else if (colour === colours.white) value = full - value;
      else if (colour === colours.cmyk) value = ((most - own) * (most - values[p + 3]) * full) / most ** 2;
      if (alpha) {
        const share = values[p + bands] / most;
        value = (alpha === 1 ? value : value * share) + full * (1 - share);
      }
      if (deep) deep[at] = Math.round(value);
      out.data[at] = deep ? deep[at] >> 8 : Math.round(value);
    }
  return deep ? { ...out, deep } : out;
}

/** Upright, as tag 274 says: its first row and column are those of the picture at other edges. */
function turned(from: Picture, orientation = 1): Picture {
  if (orientation < 2 || orientation > 8) return from;
  const sideways = orientation > 4;
  const [width, height] = sideways ? [from.height, from.width] : [from.width, from.height];
  const out = { ...from, ...picture(width, height), ...(from.deep && { deep: new Uint16Array(from.deep.length) }) };
  const right = [2, 3, 7, 8].includes(orientation);
  const bottom = [3, 4, 6, 7].includes(orientation);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = sideways ? [y, x] : [x, y];
      const column = right ? from.width - 1 - u : u;
      const row = bottom ? from.height - 1 - v : v;
      for (let c = 0; c < 3; c++) {
        const [to, at] = [(y * width + x) * 3 + c, (row * from.width + column) * 3 + c];
        out.data[to] = from.data[at];
        if (out.deep && from.deep) out.deep[to] = from.deep[at];
      }
    }
  return out;
}
