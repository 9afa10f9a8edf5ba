/** @file The studio. */
import { render } from "preact";
import { Camera } from "./parts/camera.tsx";
import { Bar, Foot, Notices, Working } from "./parts/frame.tsx";
import { DropHint, useDropAndPaste } from "./parts/pick.tsx";
import { Sent } from "./parts/server.tsx";
import { start } from "./state/lifecycle.ts";
import { followSubject } from "./state/narration.ts";
import { followQuestions } from "./state/questions.ts";
import { shown } from "./state/studio.ts";
import { followAddress, readAddress } from "./state/url.ts";
import { Ask } from "./views/ask.tsx";
import { Caption } from "./views/caption.tsx";
import { Explain } from "./views/explain.tsx";
import { Model } from "./views/model.tsx";
import { ofPicture, ofScene, type View, view } from "./views/registry.ts";
import { Test } from "./views/test.tsx";
import { Welcome } from "./views/welcome.tsx";
import "./style.css";

const parts: Readonly<Record<View, () => preact.JSX.Element>> = {
  explain: Explain,
  test: Test,
  caption: Caption,
  ask: Ask,
  model: Model,
};

function Studio() {
  useDropAndPaste();
  const Part = ofPicture.has(view.value) && !shown.value ? Welcome : parts[view.value];
  return (
    <>
      <Bar />
      <main>
        {!ofScene.has(view.value) && <Sent />}
        <div id="view" role="tabpanel" aria-labelledby={`tab-${view.value}`}>
          <Part />
        </div>
      </main>
      <Foot />
      <Working />
      <Notices />
      <Camera />
      <DropHint />
    </>
  );
}

const asked = readAddress();
followQuestions();
followSubject();
render(<Studio />, document.getElementById("studio") as HTMLElement);
void start();
followAddress(asked);
if (import.meta.env.PROD && "serviceWorker" in navigator) void navigator.serviceWorker.register("sw.js");
