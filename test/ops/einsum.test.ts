import { checkRule, type Row } from "./rules.ts";

const row = (equation: string, ...dims: number[][]): Row => [
  Object.fromEntries(dims.map((d, i) => [`x${i}`, d])),
  { equation },
];

checkRule(
  "Einsum",
  { linear: true, opsets: [12, 16] },
  {
    product: row("ij,jk->ik", [2, 3], [3, 4]),
    "batched product": row("bij,bjk->bik", [2, 3, 4], [2, 4, 2]),
    "attention scores": [
      { x0: [2, 3, 4, 5], x1: [2, 6, 4, 5] },
      { equation: "bqhd,bkhd->bhqk" },
      { free: ["x0", "x1"] },
    ],
    "without an arrow": row("ij,jk", [2, 3], [3, 4]),
    "one operand, transposed": row("ijk->kij", [2, 3, 4]),
    "summed away": row("ijk->j", [2, 3, 4]),
    "summed away in one of two": row("ij,kl->il", [2, 3], [4, 5]),
    "to a number": row("i,i->", [4], [4]),
    "an outer product": row("i,j->ij", [4], [3]),
    "a diagonal": row("ii->i", [4, 4]),
    "a trace": row("bii->b", [2, 3, 3]),
    "a diagonal of two operands": row("iij,j->i", [3, 3, 2], [2]),
    "an ellipsis": row("...ij,...jk->...ik", [2, 3, 4], [2, 4, 5]),
    "an ellipsis in one": row("...ij,jk->...ik", [2, 2, 3, 4], [4, 5]),
    "an ellipsis that is repeated": row("...ij,...jk->...ik", [1, 3, 4], [2, 4, 5]),
    "three operands": row("ij,jk,kl->il", [2, 3], [3, 4], [4, 2]),
    spaces: row("i j , j k -> i k", [2, 3], [3, 4]),
  },
);
