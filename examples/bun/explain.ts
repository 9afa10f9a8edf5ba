// bun explain.ts [PHOTO [CLASS]]: where the class is seen, and overlay.png.
import { encodePng, load, overlay } from "gradcam/node";

const [photo = "../images/cat-and-cup.jpg", wanted = "espresso"] = Bun.argv.slice(2);
const model = await load();
const { picture, explanations } = await model.explain(photo, { classes: [wanted] });
await model.release();
for (const { label, peak, map, onPicture } of explanations) {
  const sum = map.data.reduce((total, value) => total + value, 0);
  console.log(`bun: ${label}, peak at ${peak?.x},${peak?.y}, the map's sum ${sum.toFixed(5)}`);
  await Bun.write("overlay.png", await encodePng(overlay(picture, onPicture)));
}
