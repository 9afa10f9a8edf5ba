/** @file The kinds of studies. */
import type { KindName } from "../study.ts";
import { classDiscrimination } from "./class-discrimination.ts";
import type { Kind } from "./kind.ts";
import { prediction } from "./prediction.ts";
import { trust } from "./trust.ts";

export const kinds: { readonly [K in KindName]: Kind } = {
  "class-discrimination": classDiscrimination,
  trust,
  prediction,
};
