/** @file Blocks of space and channels, exchanged or put side by side. */
import { isStatic, product, range } from "../onnx/dims.ts";
import { type Op, unsupported } from "./op.ts";

export const SpaceToDepth: Op = {
  linear: [0],
  vjp: ({ build, attributes, x: [x], dy: [dy] }) => [
    build.op("DepthToSpace", [dy], { blocksize: attributes.int("blocksize", 1) }, x.type, x.dims),
  ],
};

/** In mode CRD the channels are grouped the other way round, which SpaceToDepth cannot undo alone. */
export const DepthToSpace: Op = {
  linear: [0],
  vjp: ({ build, attributes, x: [x], dy: [dy], node }) => {
    const blocksize = attributes.int("blocksize", 1);
    const deep = build.op("SpaceToDepth", [dy], { blocksize }, x.type, x.dims);
    if (attributes.string("mode", "DCR") === "DCR") return [deep];
    const [, channels, h, w] = x.dims ?? [];
    if (!isStatic([channels, h, w])) unsupported(node, "the channels and spatial dimensions must be known");
    const blocks = blocksize * blocksize;
    const split = build.reshape(deep, [-1, blocks, channels / blocks, h, w]);
    return [build.reshapeLike(build.transpose(split, [0, 2, 1, 3, 4]), x)];
  },
};

/** Columns of blocks added into an image: each block's place reads its gradient in the image, or nothing beyond its border. */
export const Col2Im: Op = {
  linear: [0],
  vjp: (c) => {
    const { build, attributes, node } = c;
    const [x] = c.x;
    const [image, block] = [c.constant(1), c.constant(2)];
    const channels = c.y[0].dims?.[1] ?? -1;
    if (!image || !block || channels < 0) return unsupported(node, "an image or block shape that is not constant");
    const ones = block.map(() => 1);
    const [strides, dilations] = [attributes.ints("strides") ?? ones, attributes.ints("dilations") ?? ones];
    const pads = attributes.ints("pads") ?? [...ones, ...ones].map(() => 0);
    const steps = image.map((size, i) => {
      const reach = size + pads[i] + pads[i + image.length] - dilations[i] * (block[i] - 1) - 1;
      return Math.floor(reach / strides[i]) + 1;
    });
    const every = (sizes: readonly number[]) =>
      sizes.reduce<number[][]>((all, n) => all.flatMap((at) => range(n).map((i) => [...at, i])), [[]]);
    const beyond = product(image);
    const places = every(block).flatMap((b) =>
      every(steps).map((s) => {
        const at = image.map((_, i) => s[i] * strides[i] - pads[i] + b[i] * dilations[i]);
        const inside = at.every((p, i) => p >= 0 && p < image[i]);
        return inside ? at.reduce((flat, p, i) => flat * image[i] + p, 0) : beyond;
      }),
    );
    const flat = build.reshape(c.dy[0], [-1, channels, beyond]);
    const read = build.gather(build.pad(flat, [0, 0, 0], [0, 0, 1]), build.ints(places), 2);
    return [build.reshapeLike(read, x)];
  },
};
