/** @file Studies on disks that fail: damaged, locked, full, or not to be written. What is affected says so; all else goes on. */
import { copyFileSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "libsql";
import { describe, expect, onTestFinished, test } from "vitest";
import { Patience } from "../../src/study/patiently.ts";
import { Store } from "../../src/study/store.ts";
import { filesIn, folder, within } from "../cli/run.ts";
import { ended, onDisk, ownDisks } from "./disks.ts";
import { datasetFor, madeUp, type Shape, written } from "./fixtures.ts";
import { bin, Client, serveCommand, servedBy } from "./serving.ts";

async function served(directory = folder(), shape: Shape = {}) {
  const file = await written(path.join(directory, "a.study"), madeUp(shape));
  const { url, child } = await serveCommand(file);
  onTestFinished(() => void child.kill());
  return { file, url, child };
}

/** Somebody who has begun and answered so many questions. */
async function somebody(url: string, answers = 0): Promise<Client> {
  const client = new Client(url);
  await client.begin();
  for (let n = 0; n < answers; n++) await client.answer((await client.question())!, 0);
  return client;
}

const oneLine = async (args: readonly string[], words: RegExp, cwd = folder()) => {
  const { code, stderr } = await within(["study", ...args], cwd);
  expect(stderr, args.join(" ")).toMatch(words);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(code).toBe(2);
};

describe("damage", () => {
  const text = "CAST(x'ff41' AS TEXT)";
  // Each meets one participant; a lost row is damage too.
  const damages = [
    `UPDATE slot SET arrangement = ${text}`,
    "UPDATE slot SET arrangement = '[0'",
    "UPDATE slot SET arrangement = '{}'",
    "UPDATE slot SET arrangement = ''",
    `UPDATE slot SET item = ${text}`,
    "UPDATE slot SET item = 'nothing'",
    `UPDATE slot SET answer = ${text} WHERE answer IS NULL AND position = 1 AND`,
    "UPDATE slot SET answer = 77 WHERE answer IS NULL AND position = 1 AND",
    "DELETE FROM slot WHERE position = 0 AND",
    `UPDATE participant SET code = ${text}`,
  ];

  test("of one participant's rows is that participant's fault alone, whatever it is", async () => {
    const { file, url, child } = await served(folder(), { ratings: 40 });
    const db = new Database(file);
    const known = () =>
      new Set(
        db
          .prepare("SELECT id FROM participant")
          .all()
          .map((row) => (row as { id: string }).id),
      );
    const hurt: Client[] = [];
    for (const damage of damages) {
      const before = known();
      hurt.push(await somebody(url, 1));
      const [id] = [...known()].filter((one) => !before.has(one));
      const key = damage.includes("participant") ? "id" : "participant";
      db.exec(`${damage.endsWith(" AND") ? damage : `${damage} WHERE`} ${key} = '${id}'`);
    }
    db.close();
    const other = await somebody(url, 1);
    for (const [i, client] of hurt.entries()) expect((await client.get("next")).status, damages[i]).toBe(500);
    expect(await other.finish()).toMatch(/^[0-9A-Z]{10}$/);
    expect((await new Client(url).begin()).status).toBe(303);
    expect(child.exitCode).toBe(null);
    // It is served anew, too, and says what is wrong where all answers are wanted.
    child.kill();
    const again = await serveCommand(file);
    onTestFinished(() => void again.child.kill());
    expect((await somebody(again.url)).cookie).not.toBe("");
    for (const command of ["status", "export", "analyse"])
      await oneLine([command, file], /damaged study: .*a\.study: /);
  });

  test("at the start is one line: of the study, of its pages, of whose answers it holds", async () => {
    const cwd = folder();
    const file = await written(path.join(cwd, "a.study"), madeUp({ pictures: 60 }));
    const whole = readFileSync(file);
    const at = (text: string) => {
      expect(whole.includes(text), text).toBe(true);
      return whole.indexOf(text);
    };
    const damages: [string, (bytes: Buffer) => unknown][] = [
      ["a page", (bytes) => bytes.fill(0xff, 4096, 4196)],
      ["the schema", (bytes) => bytes.fill(0xff, 100, 140)],
      ["a page of the study", (bytes) => bytes.fill(0xff, at('"p30#'), at('"p30#') + 300)],
      ["a text that is not UTF-8", (bytes) => bytes.writeUInt8(0xff, at("Made up."))],
      ["a name", (bytes) => bytes.write("x", at('"ratings"') + 1)],
      ["a key", (bytes) => bytes.write("x", at("originpeople"))],
      ["an origin", (bytes) => bytes.write("x", at("originpeople") + 7)],
    ];
    for (const [n, [what, damage]] of damages.entries()) {
      // What could not be read stays open, in this driver, until it is collected.
      const file = path.join(cwd, `${n}-a.study`);
      const bytes = Buffer.from(whole);
      damage(bytes);
      writeFileSync(file, bytes);
      for (const opening of [Store.open, Store.read])
        await expect(opening(file), what).rejects.toThrow(/^(damaged|invalid) study: .*a\.study[^\n]*$/);
    }
    writeFileSync(file, whole.subarray(0, whole.length - 4096));
    for (const command of ["serve", "status"]) await oneLine([command, "a.study"], /damaged study: a\.study: /, cwd);
  });
});

describe("another process's lock", () => {
  test("makes those wait who write, and no others; what they sent is kept", async () => {
    const { file, url } = await served();
    const writes = await somebody(url, 1);
    const reads = await somebody(url, 1);
    const question = (await writes.question())!;
    const db = new Database(file);
    db.exec("BEGIN IMMEDIATE");
    let answered = false;
    const answer = writes.answer(question, 0).then((page) => {
      answered = true;
      return page;
    });
    const begin = new Client(url).begin();
    await sleep(100);
    for (let n = 0; n < 5; n++) {
      expect((await reads.get("style.css")).status).toBe(200);
      expect((await new Client(url).get("")).status).toBe(200);
      expect((await reads.get("instructions")).status).toBe(200);
      expect((await reads.get(`picture/${"a".repeat(32)}`)).status).toBe(200);
      // Nobody waits for the note of when a question was shown.
      expect((await reads.get("next")).status).toBe(200);
    }
    expect(answered).toBe(false);
    db.exec("ROLLBACK");
    db.close();
    expect((await answer).status).toBe(303);
    expect((await begin).status).toBe(303);
    expect((await writes.question())!.position).toBe(question.position + 1);
  });

  test("that lasts is told in the end, and how long an answer took is known all the same", async () => {
    const busy = Object.assign(new Error("locked"), { code: "SQLITE_BUSY" });
    let tries = 0;
    const locked = new Patience(300).for(() => {
      tries++;
      throw new Error("cannot write", { cause: busy });
    });
    await expect(locked).rejects.toThrow("cannot write");
    expect(tries).toBeGreaterThan(2);
    const fault = new Patience(300).for(() => {
      throw new Error("another");
    });
    await expect(fault).rejects.toThrow("another");
    const { file, url } = await served();
    const client = await somebody(url);
    const db = new Database(file);
    db.exec("BEGIN IMMEDIATE");
    const question = (await client.question())!;
    await sleep(300);
    const answer = client.answer(question, 0);
    await sleep(100);
    db.exec("ROLLBACK");
    expect((await answer).status).toBe(303);
    const { milliseconds } = db.prepare("SELECT milliseconds FROM slot WHERE answer IS NOT NULL").get() as Record<
      string,
      number
    >;
    db.close();
    expect(milliseconds).toBeGreaterThanOrEqual(300);
  });
});

describe.skipIf(!ownDisks)("a disk", () => {
  test("that is full while a study is served: 500, nothing acknowledged is lost, and it goes on when there is room", async () => {
    const directory = folder();
    await written(path.join(directory, "a.study"), madeUp({ pictures: 30, trials: 30 }));
    const script = 'cp a.study disk/ && exec "$@"';
    const { url, child } = await servedBy(
      onDisk(400, directory, script, process.execPath, bin, "study", "serve", "disk/a.study", "--port", "0"),
    );
    onTestFinished(() => void child.kill());
    const inside = path.join(`/proc/${child.pid}/root`, directory, "disk");
    const client = await somebody(url, 1);
    const { bavail, bsize } = statfsSync(inside);
    writeFileSync(path.join(inside, "fill"), Buffer.alloc((bavail - 1) * bsize));
    let acknowledged = 1;
    let status = 303;
    while (status === 303) {
      const page = await client.get("next");
      status = page.status;
      if (status !== 200) break;
      ({ status } = await client.answer((await client.question())!, 0));
      if (status === 303) acknowledged++;
    }
    expect(status).toBe(500);
    expect((await new Client(url).begin()).status).toBe(500);
    expect((await new Client(url).get("")).status).toBe(200);
    rmSync(path.join(inside, "fill"));
    expect((await client.answer((await client.question())!, 0)).status).toBe(303);
    acknowledged++;
    for (const end of ["", "-wal"])
      copyFileSync(path.join(inside, `a.study${end}`), path.join(directory, `kept.study${end}`));
    const store = await Store.open(path.join(directory, "kept.study"));
    const [{ id }] = store.participants();
    expect(store.places(id).filter(({ answer }) => answer !== null)).toHaveLength(acknowledged);
    store.close();
  });

  test("that is full when a study is designed: one line with the file, and nothing is left", async () => {
    const directory = folder();
    const dataset = await datasetFor("prediction", directory, 8);
    for (const kilobytes of [4, 32]) {
      const script = '"$@"; code=$?; ls -A disk; exit $code';
      const args = ["study", "design", ...dataset, "--kind", "prediction", "--pictures", "4", "--out", "disk/a.study"];
      const { code, stdout, stderr } = await ended(
        onDisk(kilobytes, directory, script, process.execPath, bin, ...args),
      );
      expect(stderr).toMatch(/^gradcam: cannot write disk\/a\.study: .*(full|space)/);
      expect([code, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
    }
    // Virtual answers take more room than the study itself.
    await written(path.join(directory, "real.study"), madeUp({ pictures: 30, trials: 30, ratings: 40 }));
    const effects = ["--effect", "guided-backprop=0.4", "--effect", "guided-grad-cam=0.6"];
    const args = ["study", "simulate", "real.study", ...effects, "--out", "disk/tried.study"];
    const script = '"$@"; code=$?; ls -A disk; exit $code';
    const tried = await ended(onDisk(100, directory, script, process.execPath, bin, ...args));
    expect(tried.stderr).toMatch(/^gradcam: cannot write disk\/tried\.study: [^\n]*\n$/);
    expect([tried.code, tried.stdout]).toEqual([2, ""]);
  });

  test("that may only be read: a study is read from it, and is not served", async () => {
    const { file, url, child } = await served();
    await (await somebody(url)).finish();
    const directory = path.dirname(file);
    // As a killed server leaves it, with answers in the log; as one that ended leaves it; and as it was designed.
    for (const end of ["", "-wal"]) copyFileSync(`${file}${end}`, path.join(directory, `killed.study${end}`));
    child.kill();
    await new Promise((resolve) => child.once("exit", resolve));
    copyFileSync(file, path.join(directory, "ended.study"));
    await written(path.join(directory, "fresh %41?.study"), madeUp());
    const command = `cp *.study* disk/ && mount -o remount,ro disk && for s in killed ended 'fresh %41?'; do
      "$@" status "disk/$s.study" || exit; done; "$@" export disk/killed.study && "$@" analyse disk/killed.study --out report.html`;
    const { code, stdout, stderr } = await ended(onDisk(2000, directory, command, process.execPath, bin, "study"));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.match(/participants: 1 counted/g)).toHaveLength(2);
    expect(stdout.match(/participants: 0 counted/g)).toHaveLength(1);
    expect(filesIn(directory)).toEqual(expect.arrayContaining(["gradcam-study/answers.csv", "report.html"]));
    const serve = `cp ended.study disk/ && mount -o remount,ro disk && "$@" serve disk/ended.study --port 0`;
    const refused = await ended(onDisk(2000, directory, serve, process.execPath, bin, "study"));
    expect(refused.stderr).toMatch(/^gradcam: cannot write disk\/ended\.study: /);
    expect(refused.code).toBe(2);
    expect(readdirSync(directory).some((name) => name.endsWith(".part"))).toBe(false);
  });
});
