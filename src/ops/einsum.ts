/** @file Einsum: the gradient of an operand is an Einsum of the output's gradient and the other operands. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { type Op, unbroadcast, unsupported } from "./op.ts";
import { eye } from "./separable.ts";

/** The letters of each operand and of the output, the ellipsis written out in capitals or what letters are left. */
function lettersOf(equation: string, ranks: readonly number[]): { terms: string[]; result: string; spread: string } {
  const [left, right] = equation.replaceAll(" ", "").split("->");
  const written = left.split(",");
  const named = (term: string) => term.replace("...", "");
  const hidden = Math.max(0, ...written.map((t, i) => (t.includes("...") ? ranks[i] - named(t).length : 0)));
  const spread = fresh(equation, hidden);
  const terms = written.map((t, i) => t.replace("...", () => spread.slice(hidden - (ranks[i] - named(t).length))));
  const once = [...new Set(named(left.replaceAll(",", "")))].filter(
    (letter) => letter !== "." && left.split(letter).length === 2,
  );
  const implicit = (left.includes("...") ? spread : "") + once.sort().join("");
  return { terms, result: right === undefined ? implicit : right.replace("...", spread), spread };
}

/** Letters that a text does not have. */
function fresh(text: string, count: number): string {
  const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return [...all]
    .filter((letter) => !text.includes(letter))
    .slice(0, count)
    .join("");
}

export const Einsum: Op = {
  vjp: (c) => {
    const { build, node, x, dy, needs } = c;
    const equation = c.attributes.string("equation", "");
    const { terms, result } = lettersOf(equation, x.map(rankOf));
    const size = (letter: string): number =>
      Math.max(...terms.map((t, i) => (t.includes(letter) ? (x[i].dims?.[t.indexOf(letter)] ?? -1) : -1)));
    const shapes = terms.map((t, i) => range(t.length).map((axis) => build.dimOf(x[i], axis)));
    return x.map((operand, i) => {
      if (!needs[i]) return null;
      const others = x.flatMap((value, j) => (j === i ? [] : [{ letters: terms[j], value }]));
      const given = [{ letters: result, value: dy[0] }, ...others];
      const used = new Set(given.map(({ letters }) => letters).join(""));
      // A letter that stands twice in the operand takes its diagonal: the second one is renamed, and an identity matrix ties both.
      let wanted = "";
      for (const letter of terms[i]) {
        if (!wanted.includes(letter)) wanted += letter;
        else {
          const n = size(letter);
          if (n < 0) unsupported(node, `the size of "${letter}", which stands twice in an operand, is not known`);
          const other = fresh(terms.join("") + result + wanted, 1);
          given.push({ letters: letter + other, value: eye(build, n, operand) });
          used.add(letter);
          wanted += other;
        }
      }
      // A letter of this operand alone was summed away: the gradient is repeated along it.
      for (const [axis, letter] of [...wanted].entries())
        if (!used.has(letter) && !given.some(({ letters }) => letters.includes(letter)))
          given.push({ letters: letter, value: ones(build, shapes[i][axis], operand, operand.dims?.[axis] ?? -1) });
      const full = [...wanted].map((letter, axis) =>
        terms[i][axis] === letter ? size(letter) : (operand.dims?.[axis] ?? -1),
      );
      const product = build.op(
        "Einsum",
        given.map(({ value }) => value),
        { equation: `${given.map(({ letters }) => letters).join(",")}->${wanted}` },
        operand.type,
        full,
      );
      return unbroadcast(build, product, operand);
    });
  },
};

const ones = (build: Builder, shape: Value, like: Value, size: number): Value =>
  build.add(build.zeros(shape, like.type, [size]), 1);
