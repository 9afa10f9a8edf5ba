/** @file Resize and Upsample, in every mode in which each axis is interpolated alone. */
import { isStatic, range, rankOf, type Value } from "../onnx/build.ts";
import { DataType } from "../onnx/proto.ts";
import { type Call, type Op, positive, unsupported } from "./op.ts";
import { contract, eye } from "./separable.ts";

export const Resize: Op = {
  linear: [0],
  vjp: (c) => {
    const { node, attributes, build } = c;
    const mode = attributes.string("coordinate_transformation_mode", "half_pixel");
    if (mode === "tf_crop_and_resize") unsupported(node, `coordinate_transformation_mode "${mode}"`);
    if (attributes.string("keep_aspect_ratio_policy", "stretch") !== "stretch") unsupported(node, "keep_aspect_ratio_policy");
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
        if (!isStatic([input, output])) unsupported(node, `axis ${axis} of "${x.name}" is not known; give the input's shape`);
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
  const { build, node } = c;
  const [x] = c.x;
  const image = build.unsqueeze(eye(build, input, x), [0, 1]);
  const ones = build.floats([1, 1]);
  const scales = scale && build.concat([ones, scale, build.floats([1])], 0);
  const sizes = scale ? undefined : build.ints([1, 1, output, input]);
  const inputs = c.opset >= 11 ? (sizes ? [image, undefined, undefined, sizes] : [image, undefined, scales]) : [image, scales];
  const plain = { ...node, attribute: node.attribute.filter(({ name }) => name !== "axes") };
  // Operator sets 11 and 12 want a roi, even an empty one.
  const roi = c.opset >= 11 && c.opset < 13 ? build.op("Cast", [build.floats([], [0])], { to: DataType.FLOAT }, DataType.FLOAT, [0]) : undefined;
  const resized = build.again(plain, [inputs[0], ...(c.opset >= 11 ? [roi, ...inputs.slice(2)] : inputs.slice(1))], x.type, [1, 1, output, input]);
  return build.reshape(resized, [output, input]);
}
