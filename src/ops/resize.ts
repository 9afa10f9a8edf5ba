/** @file Resize and Upsample, in every mode: each axis is interpolated alone. */
import { rankOf, type Value } from "../onnx/build.ts";
import { isStatic, range } from "../onnx/dims.ts";
import { changed, DataType, makeNode, type NodeProto } from "../onnx/proto.ts";
import { type Call, type Op, positive, unsupported } from "./op.ts";
import { contract, eye } from "./separable.ts";

export const Resize: Op = {
  linear: [0],
  vjp: (c) => {
    const { node, attributes, build } = c;
    const [x] = c.x;
    const [y] = c.y;
    const rank = rankOf(x);
    const axes = positive(attributes.ints("axes") ?? range(rank), rank);
    const crops = attributes.string("coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";
    const [roi, scales, sizes] = [c.x[1], c.x[c.opset >= 11 ? 2 : 1], c.opset >= 11 ? c.x[3] : undefined];
    const factors = sizes ? undefined : c.constant(c.opset >= 11 ? 2 : 1);
    const corners = crops ? c.constant(1) : undefined;
    const scaleOf = (i: number) => (factors ? build.floats([factors[i]]) : build.slice(scales, 0, i, i + 1));
    return [
      axes.reduce((dy, axis, i) => {
        const [input, output] = [x.dims?.[axis] ?? -1, y.dims?.[axis] ?? -1];
        const whole = !crops || (corners?.[i] === 0 && corners[i + axes.length] === 1);
        const untouched = factors ? factors[i] === 1 : input === output;
        if (whole && (untouched || (!crops && input === output && !isStatic([input])))) return dy;
        if (!isStatic([input, output]))
          unsupported(
            node,
            `axis ${axis} of "${x.name}" is not known; give the input's sizes: --input-shape 1x3x224x224, or inputShapes in the library`,
          );
        const matrix = onIdentity(c, input, output, {
          scale: crops || sizes ? undefined : scaleOf(i),
          roi: crops ? [i, i + axes.length].map((at) => build.slice(roi, 0, at, at + 1)) : undefined,
          leading: leadingAxis(c, axes, i),
        });
        return contract(build, dy, axis, { ...matrix, dims: [output, input] });
      }, c.dy[0]),
    ];
  },
};

export { Resize as Upsample };

/** An axis that decides the scale of all, where the aspect ratio is kept; its sizes, and the size that was asked for this one. */
interface Leading {
  readonly input: number;
  readonly output: number;
  readonly asked: number;
}

function leadingAxis(c: Call, axes: readonly number[], i: number): Leading | undefined {
  const policy = c.attributes.string("keep_aspect_ratio_policy", "stretch");
  if (policy === "stretch" || !c.x[3]) return undefined;
  const sizes = c.constant(3);
  const inputs = axes.map((axis) => c.x[0].dims?.[axis] ?? -1);
  if (!sizes || !isStatic(inputs))
    return unsupported(c.node, "keep_aspect_ratio_policy with sizes that are not constant");
  const scales = sizes.map((size, k) => size / inputs[k]);
  const k = scales.indexOf(policy === "not_larger" ? Math.min(...scales) : Math.max(...scales));
  return scales[k] === scales[i] ? undefined : { input: inputs[k], output: sizes[k], asked: sizes[i] };
}

interface How {
  /** Of the axis; by default the ratio of its sizes. */
  readonly scale?: Value;
  /** The part of the axis that is resized, [1] each. */
  readonly roi?: readonly Value[];
  readonly leading?: Leading;
}

/** The node run on an identity matrix, resized along its rows: [output, input]. */
function onIdentity(c: Call, input: number, output: number, { scale, roi, leading }: How): Value {
  const { build, node, opset } = c;
  const [x] = c.x;
  const like = (without: string[], added: NodeProto["attribute"] = []): NodeProto =>
    changed(node, { attribute: [...node.attribute.filter(({ name }) => !without.includes(name)), ...added] });
  if (leading) {
    // Rows of the identity as images, constant along the other axis, so that both are resized by the one scale.
    const rows = build.unsqueeze(eye(build, input, x), [1, 2]);
    const wide = build.op("Expand", [rows, build.ints([1, 1, leading.input, 1])], undefined, x.type, [
      input,
      1,
      leading.input,
      input,
    ]);
    const { attribute } = makeNode("", [], [], { axes: [2, 3] });
    const sizes = build.ints([leading.output, leading.asked]);
    const dims = [input, 1, leading.output, output];
    const resized = build.again(like(["axes"], attribute), [wide, undefined, undefined, sizes], x.type, dims);
    return build.transpose(build.reshape(build.slice(resized, 2, 0, 1), [input, output]), [1, 0]);
  }
  const image = build.unsqueeze(eye(build, input, x), [0, 1]);
  const scales = scale && build.concat([build.floats([1, 1]), scale, build.floats([1])], 0);
  const sizes = scale ? undefined : build.ints([1, 1, output, input]);
  const [start, end] = roi?.map((v) => build.cast(v, DataType.FLOAT)) ?? [];
  const part = roi && build.concat([build.floats([0, 0]), start, build.floats([0, 1, 1]), end, build.floats([1])], 0);
  // Operator sets 11 and 12 want a roi and scales, even empty ones.
  const absent = opset < 13 ? build.floats([]) : undefined;
  const inputs =
    opset < 11 ? [image, scales] : sizes ? [image, part ?? absent, absent, sizes] : [image, part ?? absent, scales];
  // What lies outside of the image is a constant, which has no gradient.
  const plain = like(["axes", "keep_aspect_ratio_policy", "extrapolation_value"]);
  return build.reshape(build.again(plain, inputs, x.type, [1, 1, output, input]), [output, input]);
}
