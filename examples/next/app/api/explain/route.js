// POST a picture's bytes: where "espresso" is seen in it.
import { load } from "gradcam/node";

let model;

export async function POST(request) {
  model ??= load();
  const picture = new Uint8Array(await request.arrayBuffer());
  const { explanations } = await (await model).explain(picture, { classes: ["espresso"] });
  return Response.json(explanations.map(({ label, peak, map }) => ({ label, peak, map: Array.from(map.data) })));
}
