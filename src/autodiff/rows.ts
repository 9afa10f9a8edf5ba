/**
 * @file Gradients on their way through the sweep. Behind a node that picks some rows of a tensor (a class token, a channel) the
 * gradient is zero outside of them; it stays those rows through every operator whose rows are apart, and is spread where they mix.
 */
import { UserError } from "../errors.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { describe } from "../onnx/model.ts";
import { type Call, type Op, type Rule, valuesOf } from "../ops/op.ts";
import { dimsOfRows, type Rows, sameRows, spread, take } from "../ops/rows.ts";

/** The gradient of a tensor: the whole, or the rows outside of which it is zero. */
export interface Cotangent {
  readonly value: Value;
  readonly rows?: Rows;
}

export const whole = (build: Builder, { value, rows }: Cotangent): Value => (rows ? spread(build, value, rows) : value);

/** The sum of a tensor's cotangents; `dims` are the tensor's. */
export function total(build: Builder, terms: readonly Cotangent[], dims: Value["dims"]): Cotangent {
  const [{ rows }] = terms;
  if (!rows || !terms.every((term) => term.rows && sameRows(term.rows, rows)))
    return { value: { ...build.sum(terms.map((term) => whole(build, term))), dims } };
  return { value: { ...build.sum(terms.map(({ value }) => value)), dims: dimsOfRows(rows, dims) }, rows };
}

/**
 * The cotangents of a node's inputs, by its rule; `dy` is that of its first output. Where the rule needs a shape that only the run
 * knows, the node is one that we have no rule for.
 */
export function pullBack(op: Op, rule: Rule, call: Call, dy: Cotangent | undefined): readonly (Cotangent | null)[] {
  try {
    return (dy?.rows && onRows(op, rule, call, dy.value, dy.rows)) ?? picked(op, call) ?? entire(rule(call));
  } catch (error) {
    const unknown = [...call.x, ...call.y].find((v) => v && !v.dims);
    if (error instanceof UserError || !unknown) throw error;
    const why = `ONNX Runtime cannot tell the shape of "${unknown.name}" before it runs`;
    throw new UserError("unsupported-operator", `unsupported operator: ${describe(call.node)}: ${why}`, {
      cause: error,
    });
  }
}

const entire = (values: readonly (Value | null)[]) => values.map((value) => value && { value });

/** The rule of a node whose rows do not mix, applied to some of them. */
function onRows(op: Op, rule: Rule, call: Call, dy: Value, rows: Rows): (Cotangent | null)[] | undefined {
  const { build, x, y } = call;
  const known = y.length === 1 && [...x, ...y].every((v) => !v || v.dims);
  const along = known ? op.rows?.(call, rows) : undefined;
  if (!along) return undefined;
  const own = valuesOf(x.map((v, i) => (v && along[i] ? take(build, v, along[i]) : v)));
  const found = rule({ ...call, x: own, y: [take(build, y[0], rows)], dy: [dy] });
  return found.map((value, i) => value && { value, rows: along[i] });
}

/** What a node picks of its first input: kept apart if it is no more than half, since the rules must then pick too. */
function picked(op: Op, call: Call): Cotangent[] | undefined {
  const found = op.picks?.(call);
  return found && 2 * (found.rows.end - found.rows.start) <= found.rows.size ? [found] : undefined;
}
