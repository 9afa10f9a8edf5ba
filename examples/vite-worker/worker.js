// The worker: the network runs here, and the page stays smooth.
import { load, overlay, toImageData } from "gradcam/web";

self.onmessage = async ({ data: { photo, model: address } }) => {
  try {
    const model = await load(address);
    const { picture, explanations } = await model.explain(photo, { classes: ["espresso"] });
    const [{ label, peak, map, onPicture }] = explanations;
    const sum = map.data.reduce((total, value) => total + value, 0);
    self.postMessage({ label, peak, sum, overlay: toImageData(overlay(picture, onPicture)) });
    await model.release();
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};
