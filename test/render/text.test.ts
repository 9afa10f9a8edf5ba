import { describe, expect, test } from "vitest";
import { isLegible, measure, text, wrap } from "../../src/render/text.ts";

describe("measure", () => {
  test("adds the advances", () => expect(measure("AA", 10)).toBeCloseTo(2 * measure("A", 10), 10));
  test("grows with the size", () => expect(measure("Grad-CAM", 24)).toBeCloseTo(2 * measure("Grad-CAM", 12), 10));
  test("is 0 for nothing", () => expect(measure("", 12)).toBe(0));
  test("knows every character of ASCII and Latin-1, of different widths", () => {
    expect(measure("W", 10)).toBeGreaterThan(measure("i", 10));
    for (const code of [...Array(95).keys()].map((i) => i + 32))
      expect(text(String.fromCodePoint(code), { x: 0, y: 0, size: 10 })).not.toContain("m22 0v-224");
  });
});

describe("text", () => {
  const at = (anchor: "start" | "middle" | "end") => {
    const [, x] = /translate\((\S+) /.exec(text("cup", { x: 100, y: 20, size: 12, anchor })) ?? [];
    return Number(x);
  };
  test("is anchored", () => {
    expect(at("start")).toBe(100);
    expect(at("middle")).toBeCloseTo(100 - measure("cup", 12) / 2, 1);
    expect(at("end")).toBeCloseTo(100 - measure("cup", 12), 1);
  });
  test("is an outline, labelled by its characters, escaped", () => {
    const element = text('a<b> & "c"', { x: 0, y: 0, size: 10, colour: "#f00" });
    expect(element).toContain('aria-label="a&lt;b&gt; &amp; &quot;c&quot;"');
    expect(element).toContain('fill="#f00"');
    expect(element).toMatch(/ d="M0 0m[^"]+"/);
  });
  test("an unknown character is a box, an accent of its own finds its letter", () => {
    expect(text("日", { x: 0, y: 0, size: 10 })).toContain("m22 0v-224");
    expect(measure("e\u0301", 10)).toBe(measure("\u00e9", 10));
    expect(text("\u0000", { x: 0, y: 0, size: 10 })).toContain('aria-label="\ufffd"');
  });
});

describe("wrap", () => {
  const width = measure("strong coffee", 12) + 1;
  test("breaks at spaces", () =>
    expect(wrap("strong coffee in a cup", 12, width, 3)).toEqual(["strong coffee", "in a cup"]));
  test("shortens what is left over", () => {
    const lines = wrap("strong coffee in a very small cup", 12, width, 2);
    expect(lines[0]).toBe("strong coffee");
    expect(lines[1]).toMatch(/^in a very.*…$/);
    expect(measure(lines[1], 12)).toBeLessThanOrEqual(width);
  });
  test("shortens a word that is too long", () =>
    expect(wrap("Donaudampfschifffahrt", 12, 40, 2)[0]).toMatch(/^Don.*…$/));
  test("keeps as much as fits, not a character more", () => {
    for (const label of [
      "Donaudampfschifffahrt".repeat(3),
      "a b ".repeat(40),
      "日本語の札".repeat(9),
      "e\u0301".repeat(50),
    ]) {
      const [line] = wrap(label, 12, 100, 1);
      const characters = [...label.trim()];
      let longest = characters.length;
      while (measure(`${characters.slice(0, longest).join("")}…`, 12) > 100) longest--;
      expect(line).toBe(`${characters.slice(0, longest).join("").trimEnd()}…`);
    }
  });
  test("takes time in proportion to the length, as words and as one word", () => {
    const seconds = (label: string) => {
      const began = performance.now();
      wrap(label, 12, 168, 3, true);
      return (performance.now() - began) / 1000;
    };
    // 20,000 characters took 12 s when every character less was measured anew.
    for (const label of ["x".repeat(200_000), "x ".repeat(100_000), `${"x".repeat(1000)} `.repeat(200)])
      expect(seconds(label)).toBeLessThan(2);
  });
  test("of nothing is nothing", () => expect(wrap(" ", 12, 40, 2)).toEqual([]));
});

test.each([
  ["star 0.93", true],
  ["café ☕", true],
  ["Жук", false],
  ["חתול", false],
  ["猫 1", false],
  ["", false],
])("%j is legible: %s", (line, legible) => expect(isLegible(line)).toBe(legible));
