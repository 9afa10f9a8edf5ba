"use client";
// Explains a photo twice: in the browser, and by the route on the server.
import { load } from "gradcam/web";
import { useEffect, useState } from "react";

export function Explain() {
  const [text, setText] = useState("explaining ...");
  useEffect(() => {
    explain().then(setText, (error) => setText(error.message));
  }, []);
  return <pre id="found">{text}</pre>;
}

async function explain() {
  const photo = await (await fetch("/photo.jpg")).blob();
  const model = await load("/models/efficientnet-lite0/");
  const why = await model.explain(photo, { classes: ["espresso"] });
  await model.release();
  const here = why.explanations.map(({ label, peak, map }) => ({ label, peak, map: Array.from(map.data) }));
  const there = await (await fetch("/api/explain", { method: "POST", body: photo })).json();
  return `here: ${told(here)}\nserver: ${told(there)}`;
}

const told = ([{ label, peak, map }]) =>
  `${label}, peak at ${peak.x},${peak.y}, the map's sum ${map.reduce((sum, value) => sum + value, 0).toFixed(5)}`;
