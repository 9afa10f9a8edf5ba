// The page: hands a photo to the worker, and draws what comes back.
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const found = document.querySelector("#found");

worker.onerror = ({ message }) => {
  found.textContent = `the worker failed: ${message}`;
};
worker.onmessage = ({ data: { error, label, peak, sum, overlay } }) => {
  found.textContent = error ?? `worker: ${label}, peak at ${peak.x},${peak.y}, the map's sum ${sum.toFixed(5)}`;
  if (!overlay) return;
  const canvas = document.querySelector("#overlay");
  canvas.width = overlay.width;
  canvas.height = overlay.height;
  canvas.getContext("2d").putImageData(overlay, 0, 0);
};

const base = new URL(".", document.baseURI).href;
const photo = await (await fetch(`${base}photo.jpg`)).blob();
worker.postMessage({ photo, model: `${base}models/efficientnet-lite0/` });
