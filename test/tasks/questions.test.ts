/** @file The grammar of questions: what each one is read as, and what is refused. */
import { expect, test } from "vitest";
import { indexOf, NotInSample, parseQuestion, questionKinds, topOf } from "../../src/tasks/questions.ts";

const plain = (kind: string, of: string) => ({ kind, of });

test.each([
  ["class:cat", plain("class", "cat")],
  ["class:281", plain("class", "281")],
  ["class:top3", plain("class", "top3")],
  ["box:3.left", plain("box", "3.left")],
  ["pixel:120,88", plain("pixel", "120,88")],
  ["region:a b/c.png", plain("region", "a b/c.png")],
  ["class: cat ", plain("class", "cat")],
  ["  class:cat  ", plain("class", "cat")],
  // After the first colon all is text.
  ["class:dog: a, big-one", plain("class", "dog: a, big-one")],
  ["class:box:3", plain("class", "box:3")],
  ["class:not:cat", plain("class", "not:cat")],
  ["class:café, 猫 <&>", plain("class", "café, 猫 <&>")],
  // Only " ~ " followed by a kind and a colon parts two questions.
  ["class:salt ~ pepper", plain("class", "salt ~ pepper")],
  ["class:a~class:b", plain("class", "a~class:b")],
  ["class:a ~class:b", plain("class", "a ~class:b")],
  ["class:a ~ kind:b", plain("class", "a ~ kind:b")],
  // Quotes of a text are its own affair, and only where they are a pair.
  ["text:a red car", plain("text", "a red car")],
  ['text:"a red car"', plain("text", "a red car")],
  ["text:'a ~ b'", plain("text", "a ~ b")],
  ["text:\"it's", plain("text", "\"it's")],
  ['class:"cat"', plain("class", '"cat"')],
])("%s", (asked, read) => expect(parseQuestion(asked)).toEqual({ asked, ...read }));

test.each([
  ["not:cat", plain("class", "cat")],
  ["not:281", plain("class", "281")],
  ["not:class:cat", plain("class", "cat")],
  ["not:box:3", plain("box", "3")],
  ["not:box", plain("class", "box")],
  ["not:salt: coarse", plain("class", "salt: coarse")],
])("%s is the opposite", (asked, read) => expect(parseQuestion(asked)).toEqual({ asked, ...read, opposite: true }));

test.each([
  ["class:A ~ class:B", plain("class", "A"), plain("class", "B")],
  ["box:0 ~ box:1", plain("box", "0"), plain("box", "1")],
  ["class:a ~ b ~ class:c", plain("class", "a ~ b"), plain("class", "c")],
  ["box:0.left ~ class:x: y, z", plain("box", "0.left"), plain("class", "x: y, z")],
])("%s is one rather than another", (asked, read, rather) =>
  expect(parseQuestion(asked)).toEqual({ asked, ...read, rather }),
);

test.each([
  ["cat", "a kind and a colon first: class:, box:"],
  ["", "a kind and a colon first"],
  [":cat", "a kind and a colon first"],
  ["Class:cat", "a kind and a colon first"],
  ["classes:cat", "a kind and a colon first"],
  ["class:", 'what is asked about after "class:"'],
  ["box:   ", 'what is asked about after "box:"'],
  ["not:", 'what is asked about after "class:"'],
  ["not:not:cat", "not: once"],
  ["class:a ~ class:b ~ class:c", "one question rather than another"],
  ["not:cat ~ class:dog", "neither of them with not:"],
  ["class:cat ~ not:dog", "neither of them with not:"],
])("%j is no question", (asked, expected) => {
  expect(() => parseQuestion(asked)).toThrow(`invalid target: "${asked}"; expected `);
  expect(() => parseQuestion(asked)).toThrow(expected);
});

test("every kind is one that can be asked", () =>
  expect(questionKinds.map((kind) => parseQuestion(`${kind}:1`).kind)).toEqual(questionKinds));

test("an index counts from 0, and says which there are", () => {
  expect(indexOf("2", 3, "box", "box:2")).toBe(2);
  for (const text of ["3", "-1", "x", "1.5", "1e0", "00", "", "99999999999999999999"])
    expect(() => indexOf(text, 3, "box", `box:${text}`)).toThrow(
      new NotInSample("box", `box:${text}`, "allowed are 0 to 2"),
    );
  expect(() => indexOf("1", 1, "box", "box:1")).toThrow("allowed is 0 alone");
  expect(() => indexOf("0", 0, "box", "box:0")).toThrow("there is none");
});

test("topN", () => {
  expect(["top1", "top12", "top0", "top", "top-1", "top1.5", "Top1"].map(topOf)).toEqual([1, 12, ...Array(5)]);
});
