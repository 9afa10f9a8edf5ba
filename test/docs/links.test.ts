/** @file Every relative link and anchor of the documents leads somewhere. */
import { expect, test } from "vitest";
import { anchors, broken, documents, links, read } from "./markdown.ts";

test("the documents are found", () => {
  const expected = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/library.md",
    "docs/methods/README.md",
    "models/efficientnet-lite0/README.md",
  ];
  expect(documents()).toEqual(expect.arrayContaining(expected));
});

test.each(documents())("%s", (document) => {
  const problems = links(read(document)).map((target) => broken(document, target));
  expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
});

test("every page of docs is linked from another document", () => {
  const linked = documents().flatMap((document) =>
    links(read(document)).map((target) => new URL(target, `file:///${document}`).pathname.slice(1)),
  );
  expect(documents().filter((document) => document.startsWith("docs/") && !linked.includes(document))).toEqual([]);
});

test("the reader sees links, and not what is code", () => {
  const markdown =
    'a [b](c.md#d "e"), ![f](g.png)\n\n[h]: i.md\n\n`[j](k)`\n\n```\n[l](m)\n# n\n```\n<img src="o.png">';
  expect(links(markdown)).toEqual(["c.md#d", "g.png", "i.md", "o.png"]);
  expect(anchors("# A `b`, c!\n\n## d [e](f)\n\n## d e\n\n```\n# g\n```")).toEqual(["a-b-c", "d-e", "d-e-1"]);
});

test("the check catches a missing file and a missing anchor", () => {
  expect(broken("README.md", "docs/nowhere.md")).toBe("README.md: docs/nowhere.md: there is no docs/nowhere.md");
  expect(broken("docs/layers.md", "targets.md#nowhere")).toMatch(
    "docs/targets.md has no #nowhere, but targets-what-to-explain",
  );
  expect(broken("docs/layers.md", "https://example.org/nowhere")).toBeUndefined();
});
