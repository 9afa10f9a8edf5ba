/** @file Directories of pictures: which files are written of each, how a run is continued, and two models in one folder. */
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { decode } from "../../src/image/sharp.ts";
import { gap, vgg } from "../nets.ts";
import { type Ended, filesIn, folder, start, within, withModel, writePicture } from "./run.ts";

interface Line {
  readonly image: string;
  readonly panel?: string;
  readonly explanations: readonly {
    readonly map?: { readonly file: string };
    readonly overlay?: string;
    readonly heat?: string;
  }[];
}

const lines = (stdout: string): Line[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

async function photos(count = 4): Promise<string> {
  const cwd = folder();
  mkdirSync(path.join(cwd, "photos"));
  for (let i = 0; i < count; i++) await writePicture(path.join(cwd, "photos", `${i}.png`), { seed: i });
  return cwd;
}

/** One line that says why, and exit code 2. */
function expectLine({ code, stderr }: Ended, words: RegExp): void {
  expect(stderr).toMatch(words);
  expect(stderr).toMatch(/^gradcam: [^\n]+\n$/);
  expect(code).toBe(2);
}

const small = gap({ input: [1, 3, 8, 8] });

describe("which files are written", () => {
  const all = ["map", "overlay", "heat", "panel", "manifest"];
  test.each<[string, readonly string[], readonly string[]]>([
    ["one picture: all", ["photos/0.png"], all],
    ["a directory: what is looked at and computed with", ["photos"], ["map", "overlay", "manifest"]],
    ["a directory, all", ["photos", "--write", "overlay,map,heat,panel,manifest"], all],
    ["maps alone", ["photos", "--write", "map"], ["map"]],
    ["an option that is repeated", ["photos/0.png", "--write", "overlay", "--write", "panel"], ["overlay", "panel"]],
    ["the manifest alone", ["photos", "--write", "manifest"], ["manifest"]],
  ])("%s", async (_, args, wanted) => {
    const cwd = await photos(2);
    const net = withModel(cwd, small);
    const { code, stdout } = await within(["explain", ...args, ...net, "--json"], cwd);
    expect(code).toBe(0);
    const kinds: Readonly<Record<string, RegExp>> = {
      map: /\.npy$/,
      overlay: /\.grad-cam\.\d+\.png$/,
      heat: /\.heat\.png$/,
      panel: /\.panel\.png$/,
      manifest: /^manifest\.json$/,
    };
    const files = filesIn(path.join(cwd, "gradcam-out"));
    for (const [kind, name] of Object.entries(kinds))
      expect({ kind, there: files.some((file) => name.test(file)) }).toEqual({ kind, there: wanted.includes(kind) });
    for (const { explanations, panel } of lines(stdout)) {
      const said = { ...explanations[0], ...(panel && { panel }) };
      for (const kind of ["map", "overlay", "heat", "panel"])
        expect({ kind, said: kind in said }).toEqual({ kind, said: wanted.includes(kind) });
    }
  });

  test("an overlay of a directory is the same picture as that of the picture alone", async () => {
    const cwd = await photos(2);
    const net = withModel(cwd, small);
    const name = "0.grad-cam.";
    const overlayOf = async (...args: readonly string[]) => {
      rmSync(path.join(cwd, "gradcam-out"), { recursive: true, force: true });
      await within(["explain", ...args, ...net], cwd);
      const files = filesIn(path.join(cwd, "gradcam-out"));
      const file = files.find((one) => one.startsWith(name) && /\d\.png$/.test(one)) as string;
      return (await decode(path.join(cwd, "gradcam-out", file))).data;
    };
    expect(await overlayOf("photos")).toEqual(await overlayOf("photos/0.png"));
  });

  test("what is not to be written", async () => {
    expectLine(
      await within(["explain", "photos", "--write", "overlay,maps"], await photos(1)),
      /'--write <list>' argument 'overlay,maps' is invalid\. Allowed values: map, overlay, heat, panel, manifest/,
    );
  });
});

describe("an earlier run is continued", () => {
  test("killed in the middle: the same lines, the same files, and no picture twice", async () => {
    const cwd = await photos(30);
    const net = withModel(cwd, gap({ input: [1, 3, 64, 64] }));
    const whole = await within(["explain", "photos", ...net, "--method", "occlusion", "--json", "--out", "whole"], cwd);
    const asked = ["explain", "photos", ...net, "--method", "occlusion", "--json"];
    const running = start(asked, cwd);
    let seen = 0;
    running.process.stdout?.on("data", (text: string) => {
      seen += text.split("\n").length - 1;
      if (seen >= 3 && !running.process.killed) running.process.kill("SIGINT");
    });
    expect((await running.ended).code).toBe(130);
    const manifest = path.join(cwd, "gradcam-out/manifest.json");
    const before: Line[] = JSON.parse(readFileSync(manifest, "utf8")).images;
    expect(before.length).toBeLessThan(30);
    const out = path.join(cwd, "gradcam-out");
    const overlay = before[0].explanations[0].overlay as string;
    const untouched = new Date(Date.now() + 60_000);
    utimesSync(path.join(out, overlay), untouched, untouched);

    const again = await within([...asked, "--resume"], cwd);
    expect({ code: again.code, stdout: again.stdout }).toEqual({ code: 0, stdout: whole.stdout });
    expect(again.stderr).toBe(`gradcam: ${before.length} of 30 pictures were explained in an earlier run\n`);
    expect(filesIn(out)).toEqual(filesIn(path.join(cwd, "whole")));
    for (const file of filesIn(out).filter((name) => name !== "manifest.json"))
      expect(readFileSync(path.join(out, file)).equals(readFileSync(path.join(cwd, "whole", file)))).toBe(true);
  });

  test("a picture that changed, or whose file is gone, is explained again", async () => {
    const cwd = await photos(3);
    const net = withModel(cwd, small);
    const asked = ["explain", "photos", ...net, "--json"];
    const first = lines((await within(asked, cwd)).stdout);
    rmSync(path.join(cwd, "gradcam-out", first[0].explanations[0].overlay as string));
    await writePicture(path.join(cwd, "photos/1.png"), { seed: 77 });
    const later = new Date(Date.now() + 10_000);
    utimesSync(path.join(cwd, "photos/1.png"), later, later);
    const { stdout, stderr } = await within([...asked, "--resume"], cwd);
    expect(stderr).toBe("gradcam: 1 of 3 pictures were explained in an earlier run\n");
    const second = lines(stdout);
    expect(second[0]).toEqual(first[0]);
    expect(second[1]).not.toEqual(first[1]);
    expect(second[2]).toEqual(first[2]);
  });

  test("not with other settings, nor without a manifest", async () => {
    const cwd = await photos(1);
    const net = withModel(cwd, small);
    await within(["explain", "photos", ...net], cwd);
    expectLine(
      await within(["explain", "photos", ...net, "--resume", "--method", "hires-cam"], cwd),
      /cannot resume: gradcam-out\/manifest\.json was written with other settings: methods .*--out/,
    );
    expectLine(
      await within(["explain", "photos", ...net, "--resume", "--write", "map"], cwd),
      /invalid --resume: it needs the manifest/,
    );
  });

  test("a foreign or damaged manifest is no run of ours", async () => {
    const cwd = await photos(1);
    const net = withModel(cwd, small);
    mkdirSync(path.join(cwd, "gradcam-out"));
    for (const content of ["{", "null", '{"model":3,"images":[]}', '{"name":"an app"}']) {
      writeFileSync(path.join(cwd, "gradcam-out/manifest.json"), content);
      expect(await within(["explain", "photos", ...net, "--resume", "--json"], cwd)).toMatchObject({
        code: 0,
        stderr:
          "gradcam: gradcam-out/manifest.json is damaged or not a gradcam manifest; everything is explained again\n",
      });
    }
  });

  test("what somebody edited is no result of ours", async () => {
    const cwd = await photos(2);
    const net = withModel(cwd, small);
    const first = await within(["explain", "photos", ...net, "--json"], cwd);
    const manifest = path.join(cwd, "gradcam-out/manifest.json");
    const written = readFileSync(manifest, "utf8");
    for (const edit of [
      (text: string) => text.replace('"warnings": [', '"warnings": 3, "others": ['),
      (text: string) => text.replace(/"label": "[^"]*"/, '"label": "HAND"'),
      (text: string) => text.replace(/"overlay": "[^"]*"/, '"overlay": "../../etc/passwd"'),
    ]) {
      expect(edit(written)).not.toBe(written);
      writeFileSync(manifest, edit(written));
      const again = await within(["explain", "photos", ...net, "--json", "--resume"], cwd);
      expect(again).toEqual({ ...first, stderr: "gradcam: 1 of 2 pictures were explained in an earlier run\n" });
    }
  });

  test("a part of the samples keeps what is known of the others; other wishes are met by another run", async () => {
    const cwd = await photos(3);
    const net = withModel(cwd, small);
    const told = async (...args: readonly string[]) =>
      Number(/^gradcam: (\d+) of/.exec((await within(["explain", ...args, ...net, "--resume"], cwd)).stderr)?.[1] ?? 0);
    await within(["explain", "photos", ...net], cwd);
    expect(await told("photos/1.png", "--write", "overlay,map,manifest")).toBe(1);
    expect(await told("photos")).toBe(3);
    expect(await told("photos", "--write", "map,heat,manifest")).toBe(0);
    expect(await told("photos", "--write", "heat,manifest")).toBe(3);
  });

  test("a picture that took another's place, however old, and a file that an option names", async () => {
    const cwd = await photos(1);
    const net = withModel(cwd, small);
    writeFileSync(path.join(cwd, "names.txt"), "a\nb\nc\nd\ne\n");
    const asked = ["explain", "photos", ...net, "--labels", "names.txt", "--json"];
    const first = lines((await within(asked, cwd)).stdout);
    await writePicture(path.join(cwd, "photos/0.png"), { seed: 9 });
    utimesSync(path.join(cwd, "photos/0.png"), new Date(0), new Date(0));
    const { stdout, stderr } = await within([...asked, "--resume"], cwd);
    expect(stderr).toBe("");
    expect(lines(stdout)).not.toEqual(first);
    writeFileSync(path.join(cwd, "names.txt"), "v\nw\nx\ny\nz\n");
    expectLine(
      await within([...asked, "--resume"], cwd),
      /written with other settings: contents \(contents\.names\.txt/,
    );
  });
});

test("a model that was trained anew takes its own place", async () => {
  const cwd = await photos(1);
  const net = withModel(cwd, small);
  await within(["explain", "photos", ...net], cwd);
  const names = filesIn(path.join(cwd, "gradcam-out"));
  withModel(cwd, gap({ input: [1, 3, 8, 8], opset: 12 }));
  await within(["explain", "photos", ...net], cwd);
  expect(filesIn(path.join(cwd, "gradcam-out"))).toEqual(names);
  const again = await within(["explain", "photos", ...net, "--resume"], cwd);
  expect(again.stderr).toContain("1 of 1 pictures were explained in an earlier run");
  withModel(cwd, small);
  expectLine(await within(["explain", "photos", ...net, "--resume"], cwd), /written with other settings: model/);
});

test("two models of one name in one folder are told apart", async () => {
  const cwd = await photos(1);
  for (const [directory, bytes] of [
    ["a", small],
    ["b", vgg({ input: [1, 3, 8, 8] })],
  ] as const) {
    mkdirSync(path.join(cwd, directory));
    withModel(cwd, bytes, `${directory}/model.onnx`);
    await within(["explain", "photos", "--model", `${directory}/model.onnx`], cwd);
  }
  expect(filesIn(path.join(cwd, "gradcam-out")).filter((name) => name.endsWith(".npy"))).toHaveLength(2);
});

test("names that would be too long are cut, and told apart", async () => {
  const cwd = await photos(0);
  const net = withModel(cwd, small);
  for (const end of ["a", "b"]) await writePicture(path.join(cwd, "photos", `${"x".repeat(240)}${end}.png`));
  const { code, stdout } = await within(["explain", "photos", ...net, "--json"], cwd);
  expect(code).toBe(0);
  expect(new Set(lines(stdout).map(({ explanations }) => explanations[0].overlay)).size).toBe(2);
});

test("two models in one folder: the second's name stands in its files, and neither loses anything", async () => {
  const cwd = await photos(1);
  const one = withModel(cwd, gap({ input: [1, 3, 8, 8] }), "one.onnx");
  const two = withModel(cwd, vgg({ input: [1, 3, 8, 8] }), "two.onnx");
  await within(["explain", "photos", ...one], cwd);
  const out = path.join(cwd, "gradcam-out");
  const before = filesIn(out).map((file) => [file, readFileSync(path.join(out, file), "utf8")]);
  const { stdout } = await within(["explain", "photos", ...two, "--json"], cwd);
  expect(lines(stdout)[0].explanations[0].overlay).toMatch(/^0\.two\.grad-cam\.\d+\.png$/);
  expect(filesIn(out)).toContain("manifest.two.json");
  for (const [file, content] of before) expect(readFileSync(path.join(out, file), "utf8")).toBe(content);
  // Each model's second run finds its own files.
  const names = filesIn(out);
  await within(["explain", "photos", ...one], cwd);
  await within(["explain", "photos", ...two], cwd);
  expect(filesIn(out)).toEqual(names);
});
