/** @file Resize and Upsample, in every mode in which each axis is interpolated alone. */
import { rankOf, type Value } from "../onnx/build.ts";
import { isStatic, range } from "../onnx/dims.ts";
import { type Call, type Op, positive, unsupported } from "./op.ts";
import { contract, eye } from "./separable.ts";

export const Resize: Op = {
  linear: [0],
  vjp: (c) => {
    const { node, attributes, build } = c;
    const mode = attributes.string("coordinate_transformation_mode", "half_pixel");
    if (mode === "tf_crop_and_resize") unsupported(node, `coordinate_transformation_mode "${mode}"`);
    if (attributes.string("keep_aspect_ratio_policy", "stretch") !== "stretch")
      unsupported(node, "keep_aspect_ratio_policy");
    const [x] = c.x;
    const [y] = c.y;
    const rank = rankOf(x);
    const axes = positive(attributes.ints("axes") ?? range(rank), rank);
    const [scales, sizes] = c.opset >= 11 ? [c.x[2], c.x[3]] : [c.x[1], undefined];
    const bySize = sizes !== undefined;
    const factors = bySize ? undefined : c.constant(c.opset >= 11 ? 2 : 1);
    return [
      axes.reduce((dy, axis, i) => {
        const [input, output] = [x.dims?.[axis] ?? -1, y.dims?.[axis] ?? -1];
        const untouched = bySize ? input === output : factors?.[i] === 1;
        if (untouched || (input === output && !isStatic([input]))) return dy;
        if (!isStatic([input, output]))
          unsupported(node, `axis ${axis} of "${x.name}" is not known; give the input's shape`);
        const scale = factors ? build.floats([factors[i]]) : (scales && build.slice(scales, 0, i, i + 1)) || undefined;
        const matrix = { ...onIdentity(c, input, output, bySize ? undefined : scale), dims: [output, input] };
        return contract(build, dy, axis, matrix);
      }, c.dy[0]),
    ];
  },
};

export { Resize as Upsample };

/** The node run on an identity matrix, resized along its rows: [output, input]. */
function onIdentity(c: Call, input: number, output: number, scale: Value | undefined): Value {
  const { build, node, opset } = c;
  const [x] = c.x;
  const image = build.unsqueeze(eye(build, input, x), [0, 1]);
  const scales = scale && build.concat([build.floats([1, 1]), scale, build.floats([1])], 0);
  const sizes = scale ? undefined : build.ints([1, 1, output, input]);
  // Operator sets 11 and 12 want a roi and scales, even empty ones.
  const absent = opset < 13 ? build.floats([]) : undefined;
  const inputs = opset < 11 ? [image, scales] : sizes ? [image, absent, absent, sizes] : [image, absent, scales];
  const plain = { ...node, attribute: node.attribute.filter(({ name }) => name !== "axes") };
  return build.reshape(build.again(plain, inputs, x.type, [1, 1, output, input]), [output, input]);
}
