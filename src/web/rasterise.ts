/**
 * @file Figures as pixels, by a canvas and without a page, so in a worker too. It reads of SVG just what `render` writes: rectangles, paths,
 * pictures, and gradients from left to right.
 */
import { InternalError } from "../errors.ts";

type Attributes = Readonly<Record<string, string>>;
type Context = OffscreenCanvasRenderingContext2D;

/**
 * A figure as PNG bytes.
 * @param svg as `figureOf` makes it
 * @param scale pixels to a unit of the drawing; 1 unless told
 */
export async function rasterise(svg: string, { scale = 1 }: { readonly scale?: number } = {}): Promise<Uint8Array> {
  const [root, ...elements] = read(svg);
  const canvas = new OffscreenCanvas(Number(root?.of.width) * scale, Number(root?.of.height) * scale);
  const context = canvas.getContext("2d");
  if (root?.name !== "svg" || !context) throw new InternalError("this is no figure");
  const gradients = gradientsIn(elements);
  context.miterLimit = 4; // SVG's own
  for (const { name, of } of elements) {
    context.setTransform(scale, 0, 0, scale, 0, 0);
    if (name === "rect") drawRectangle(context, of, gradients);
    else if (name === "path") drawPath(context, of);
    else if (name === "image") await drawPicture(context, of);
    else if (!["title", "linearGradient", "stop"].includes(name)) throw new InternalError(`a figure with <${name}>`);
  }
  const file = await canvas.convertToBlob({ type: "image/png" });
  return new Uint8Array(await file.arrayBuffer());
}

interface Element {
  readonly name: string;
  readonly of: Attributes;
}

/** Every element, in the order of its start. */
function read(svg: string): Element[] {
  return Array.from(svg.matchAll(/<(\w+)((?:\s[\w-]+="[^"]*")*)\s*\/?>/g), ([, name, attributes]) => ({
    name,
    of: Object.fromEntries(Array.from(attributes.matchAll(/([\w-]+)="([^"]*)"/g), ([, key, value]) => [key, value])),
  }));
}

/** The stops of each gradient, by how it is named as a fill. */
function gradientsIn(elements: readonly Element[]): Map<string, Attributes[]> {
  const found = new Map<string, Attributes[]>();
  let stops: Attributes[] = [];
  for (const { name, of } of elements)
    if (name === "linearGradient") {
      stops = [];
      found.set(`url(#${of.id})`, stops);
    } else if (name === "stop") stops.push(of);
  return found;
}

const frameOf = ({ x = "0", y = "0", width, height }: Attributes) =>
  [Number(x), Number(y), Number(width), Number(height)] as const;

function drawRectangle(context: Context, of: Attributes, gradients: ReadonlyMap<string, Attributes[]>): void {
  const [x, y, width, height] = frameOf(of);
  const stops = gradients.get(of.fill);
  const fill = stops ? context.createLinearGradient(x, 0, x + width, 0) : of.fill;
  if (typeof fill !== "string")
    for (const stop of stops ?? []) fill.addColorStop(Number.parseFloat(stop.offset) / 100, stop["stop-color"]);
  context.fillStyle = fill;
  context.fillRect(x, y, width, height);
}

function drawPath(context: Context, { d, transform = "", fill = "#000", stroke, ...of }: Attributes): void {
  const [, x, y, size] = /^translate\((\S+) (\S+)\) scale\((\S+)\)$/.exec(transform)?.map(Number) ?? [0, 0, 0, 1];
  context.translate(x, y);
  context.scale(size, size);
  const path = new Path2D(d);
  context.fillStyle = fill;
  context.fill(path);
  if (stroke === undefined) return;
  context.strokeStyle = stroke;
  context.lineWidth = Number(of["stroke-width"] ?? 1);
  context.stroke(path);
}

/** As large as its frame allows, in the middle of it. */
async function drawPicture(context: Context, of: Attributes): Promise<void> {
  const [x, y, width, height] = frameOf(of);
  const bitmap = await createImageBitmap(new Blob([bytesOf(of.href) as BlobPart]));
  const ratio = Math.min(width / bitmap.width, height / bitmap.height);
  const [w, h] = [bitmap.width * ratio, bitmap.height * ratio];
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, x + (width - w) / 2, y + (height - h) / 2, w, h);
  bitmap.close();
}

/** Of a data URI. */
const bytesOf = (uri: string): Uint8Array =>
  Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (c) => c.charCodeAt(0));
