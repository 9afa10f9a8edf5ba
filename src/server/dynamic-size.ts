/** @file Models whose input follows the picture's size: how large it may become. Their sessions are bounded by their owner. */
import { UserError } from "../errors.ts";
import { type Framing, framed } from "../image/framing.ts";
import type { Picture } from "../image/picture.ts";
import { usual } from "./options.ts";

/**
 * Refuses a picture that would become a larger input than maps are drawn on: what a network takes grows with its pixels.
 * @throws UserError `too-large`
 */
export function checkInputSize(
  { original, width, height }: Picture,
  framing: Framing,
  most: number = usual.canvas,
): void {
  const { input } = framed(original ?? { width, height }, framing);
  if (input.width * input.height > most)
    throw new UserError(
      "too-large",
      `too large image: the model's input would have ${input.width} x ${input.height} = ${input.width * input.height} pixels, allowed ${most}; send a smaller image (raise with --canvas)`,
    );
}

/** Whether all pictures become inputs of one size. */
export const hasOneSize = ({ crop, resize }: Framing): boolean =>
  crop !== undefined || (resize !== undefined && "width" in resize);
