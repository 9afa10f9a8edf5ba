/** @file Pictures on their way to the stage, and on it. The last one that is given wins; it waits for a model that is not there yet. */
import { batch } from "@preact/signals";
import type { Edited, Seen } from "../engine/contract.ts";
import { call, inTurn, local, persistently } from "./engine.ts";
import { latest } from "./latest.ts";
import { complain } from "./notices.ts";
import type { Shown } from "./studio.ts";
import * as studio from "./studio.ts";

/** No number is given twice, by a page that is loaded again either. */
let pictures = Date.now();
export const nextId = (): number => ++pictures;

/** Pictures of this visit, by their numbers: the way back leads to them. */
const known = new Map<number, Shown>();
const mostKnown = 200;
export const knownPicture = (id: number): Shown | undefined => known.get(id);

type Named = Pick<Shown, "name" | "example"> & Partial<Pick<Shown, "id">>;

/** What waits to be looked at. */
let given: { readonly picture: Shown; readonly index: number | undefined } | undefined;
let newest: object | undefined;

/** Takes a picture, and asks about a class of it, or the best one. @param source may still be on its way */
export async function show(source: Blob | Promise<Blob>, named: Named, index?: number): Promise<void> {
  const mine = {};
  newest = mine;
  studio.looking.value = true;
  const { name, example, id = nextId() } = named;
  try {
    const file = await source;
    const developed = await persistently(() => local("develop", { id, file }));
    if (newest !== mine) return developed.bitmap.close();
    const strokes = known.get(id)?.strokes ?? [];
    const picture: Shown = { id, name, ...(example && { example }), strokes, ...developed };
    known.set(id, picture);
    for (const old of known.keys()) if (known.size > mostKnown) known.delete(old);
    if (!studio.seen.value) put(picture); // seen already while the model is on its way
    given = { picture, index };
    await lookAtGiven(undefined);
  } catch (error) {
    const again = source instanceof Promise ? undefined : () => void show(source, named, index);
    if (newest === mine) complain(error, { again });
  }
  if (newest === mine) studio.looking.value = false;
}

/** Has the picture on the stage looked at again, as a model that has changed sees it. */
export function lookAgain(index?: number): void {
  const { value: picture } = studio.shown;
  if (picture && given?.picture !== picture) given = { picture, index };
  void lookAtGiven(undefined);
}

export const lookAtGiven = latest(() =>
  inTurn(async () => {
    const mine = given;
    if (!mine || !studio.model.value) return; // it is looked at when there is one
    try {
      const { picture, index } = mine;
      const [seen, edited] = await persistently(() => lookWithStrokes(picture));
      if (given !== mine) return;
      given = undefined;
      await place(picture, seen, edited, index);
    } catch (error) {
      given = undefined;
      complain(error, { again: () => void show(mine.picture.file, mine.picture, mine.index) });
    }
  }),
);

/** Lets the stage show what was seen. */
export async function place(
  picture: Shown,
  seen: Seen,
  edited: Edited | undefined,
  index: number | undefined,
): Promise<void> {
  const patch = edited && (await createImageBitmap(edited.patch));
  batch(() => {
    put(picture);
    studio.patch.value = patch;
    studio.untouched.value = edited && seen;
    studio.seen.value = edited ?? seen;
    studio.chosen.value = index !== undefined && index < seen.scores.length ? index : seen.ranking[0];
  });
}

/** What is seen in a picture as it was given and, where the brush was at it, as it is now. */
export async function lookWithStrokes(picture: Shown, ask = call): Promise<[Seen, Edited?]> {
  const place = studio.sentTo.value;
  const { id, file, strokes } = picture;
  const seen = await ask("show", { id, file });
  // Where the next question goes, the picture must have been: another place may have been chosen meanwhile.
  if (studio.sentTo.value !== place) return lookWithStrokes(picture, ask);
  return strokes.length && place === undefined ? [seen, await ask("brush", strokes)] : [seen];
}

function put(picture: Shown | undefined): void {
  batch(() => {
    const { value: before } = studio.shown;
    if (before !== picture) before?.bitmap.close();
    studio.shown.value = picture;
    studio.patch.value?.close();
    studio.patch.value = studio.untouched.value = studio.answer.value = studio.hovered.value = undefined;
  });
}

/** Back to a stage without a picture. */
export function putAway(): void {
  given = newest = undefined;
  batch(() => {
    put(undefined);
    studio.seen.value = studio.chosen.value = undefined;
    studio.looking.value = false;
  });
}

/** Strokes are of one input: another model, or another preparation, has another. */
export function forgetStrokes(): void {
  for (const { strokes } of known.values()) strokes.length = 0;
}
