/** @file What the brush did to a picture, for what is taken away of it: the picture as it was asked about, and an account of the edit. */
import { digest, type Geometry, type Picture } from "gradcam/web";
import { redrawn } from "./redrawn.ts";
import { codes, type Retouch } from "./retouch.ts";

export interface Edit {
  /** In words, for a caption. */
  readonly caption: string;
  /** For a record: enough to make it again. */
  readonly record: object;
}

/** Undefined where everything is as it was. */
export async function editOf({ mask }: Retouch, { input: { width, height } }: Geometry): Promise<Edit | undefined> {
  if (!mask) return undefined;
  const sha256 = await digest(mask);
  const share = (code: number) => mask.reduce((count, one) => count + Number(one === code), 0) / mask.length;
  const [erased, blurred] = [share(codes.erase), share(codes.blur)];
  const did = [erased > 0 && `${hundredths(erased)} erased`, blurred > 0 && `${hundredths(blurred)} blurred`];
  const caption = ["edited by the brush", ...did, sha256 && `edit ${sha256.slice(0, 12)}`].filter(Boolean).join(", ");
  const of = "the mask: a byte for each pixel of the network's input, row by row; 0 as it was, 1 erased, 2 blurred";
  const record = { by: "brush", sha256, of, width, height, erased, blurred, mask: runsOf(mask) };
  return { caption, record };
}

const hundredths = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** "0x120 1x14 0x90": runs of a value. */
function runsOf(mask: Uint8Array): string {
  const runs: string[] = [];
  for (let from = 0, at = 1; at <= mask.length; at++)
    if (mask[at] !== mask[from]) {
      runs.push(`${mask[from]}x${at - from}`);
      from = at;
    }
  return runs.join(" ");
}

/** The picture with what was painted over it, as the page shows it. */
export function painted(picture: Picture, patch: ImageData, { input, left, top, scaleX, scaleY }: Geometry): Picture {
  const sheet = new OffscreenCanvas(input.width, input.height);
  sheet.getContext("2d")?.putImageData(patch, 0, 0);
  return redrawn(picture, (context) => {
    context.imageSmoothingQuality = "high";
    context.drawImage(sheet, left, top, input.width * scaleX, input.height * scaleY);
  });
}
