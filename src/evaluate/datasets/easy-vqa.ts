/**
 * @file easy-VQA (the PyPI package easy-vqa, its data/test or data/train): `questions.json`, a list of [question, answer, picture's number],
 * and `images/NUMBER.png`.
 */
import { UserError } from "../../errors.ts";
import { boundedJson } from "../../tasks/formats/json.ts";
import { asking, type Sample } from "../sample.ts";
import { type Format, most, Remarks } from "./dataset.ts";

const list = /^(.*\/)?questions\.json$/;

export const easyVqa: Format = {
  name: "easy-vqa",
  layout: "questions.json, a list of [question, answer, number], and images/NUMBER.png",
  recognises: (files) => files.some((file) => list.test(file)),
  async read(source, files, classes) {
    const remarks = new Remarks();
    const there = new Set(files);
    const samples = new Map<string, Sample>();
    for (const file of files) {
      const [whole, folder = ""] = list.exec(file) ?? [];
      if (whole === undefined) continue;
      for (const [question, answer, number] of parse(await source.read(file, most.annotations), file)) {
        const picture = `${folder}images/${number}.png`;
        const id = asking(picture, question);
        const labels = classes.of(answer);
        if (!there.has(picture)) remarks.add("questions without a picture", id);
        else if (!labels) remarks.add("questions with answers that the model does not have", id, answer);
        else if (samples.has(id)) remarks.add("questions that are asked twice", id);
        else samples.set(id, { id, picture, question, labels, objects: [] });
      }
    }
    return { samples: [...samples.values()], remarks: remarks.list() };
  },
};

type Entry = readonly [question: string, answer: string, number: number];

function parse(bytes: Uint8Array, file: string): readonly Entry[] {
  const json = boundedJson(bytes, file, "questions", most.annotations);
  const is = (entry: unknown): entry is Entry =>
    Array.isArray(entry) &&
    entry.map((part) => typeof part).join() === "string,string,number" &&
    Number.isInteger(entry[2]);
  if (Array.isArray(json) && json.every(is)) return json;
  throw new UserError("invalid-input", `invalid ${file}: not a list of [question, answer, number]`);
}
