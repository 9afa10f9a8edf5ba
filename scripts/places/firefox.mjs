/** @file The page and its worker in Firefox, which is started by its command line; the page posts what it found. */
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { served } from "./browser.mjs";
import { build, findings } from "./bundlers.mjs";
import { folder, installed } from "./package.mjs";
import { NotRun } from "./verdict.mjs";

const firefoxes = ["/usr/bin/firefox-esr", "/usr/bin/firefox"];

const telling = `<script type="module">
const tell = (found) => fetch("found", { method: "POST", body: JSON.stringify(found) });
addEventListener("error", ({ message }) => tell({ error: message }));
addEventListener("unhandledrejection", ({ reason }) => tell({ error: String(reason) }));
const wait = () => (window.found ? tell(window.found) : setTimeout(wait, 100));
wait();
</script>`;

/** Nothing that a new profile would ask, fetch or send. */
const settings = {
  "app.update.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.enabled": false,
};

/** What the page at this address finds. @param posted what it will tell the server */
async function openedInFirefox(binary, address, posted) {
  const profile = folder("firefox-profile");
  const lines = Object.entries(settings).map(([name, value]) => `user_pref("${name}", ${value});\n`);
  writeFileSync(path.join(profile, "user.js"), lines.join(""));
  const child = spawn(binary, ["--headless", "--no-remote", "--profile", profile, address], {
    ...{ detached: true, stdio: "ignore" },
  });
  let late;
  try {
    return await Promise.race([
      posted,
      new Promise((_, reject) => {
        late = setTimeout(() => reject(new Error("the page found nothing in Firefox")), 180_000);
        child.on("error", reject);
        child.on("exit", (code) => reject(new Error(`Firefox ended with ${code}`)));
      }),
    ]);
  } finally {
    clearTimeout(late);
    if (child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  }
}

export const firefoxRow = {
  kind: "browser",
  name: "Firefox",
  note: "built by Vite 8; the other rows are of Chromium",
  async run() {
    const binary = process.env.FIREFOX ?? firefoxes.find(existsSync);
    if (!binary) throw new NotRun("no Firefox; apt-get install firefox-esr, or name one in FIREFOX");
    const place = await installed("firefox", ["onnxruntime-web", "vite@8"]);
    const directory = await build(place, "vite");
    appendFileSync(path.join(directory, "index.html"), telling);
    const told = await served(directory, (address, posted) => openedInFirefox(binary, address, posted));
    if (told.error) throw new Error(told.error);
    const [version] = /\d[\d.]*/.exec(execFileSync(binary, ["--version"], { encoding: "utf8" }));
    return { version, found: findings(told) };
  },
};
