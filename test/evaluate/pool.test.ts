/** @file A process that ends over a picture: the picture is set apart at the second time, and what waited behind it is not. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { start } from "../cli/run.ts";
import { Fleet } from "./fleet.ts";

test("a picture over which two processes ended is a failure of its own", async () => {
  const fleet = await Fleet.of(6);
  const running = start(fleet.evaluation("out", "", "--workers", "1"), fleet.folder);
  let ends = 0;
  fleet.onPicture = (name) => {
    if (name !== "3.png") return;
    const [child] = execFileSync("pgrep", ["-P", String(running.process.pid)], { encoding: "utf8" }).split("\n");
    process.kill(Number(child), "SIGKILL");
    ends++;
  };
  expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
  expect(ends).toBe(2);
  const { examined, failures } = fleet.figuresIn("out");
  expect(examined).toBe(5);
  expect(failures).toEqual([{ id: "3.png", error: "the worker ended twice while examining it (SIGKILL)" }]);
});
