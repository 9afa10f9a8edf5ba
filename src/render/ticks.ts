/** @file Where an axis is marked: at multiples of 1, 2 or 5 times a power of ten. */

/** Marks between two values, about as many as asked, and each as text with no more digits than tell them apart. */
export function ticks(from: number, to: number, about: number): { readonly at: number; readonly text: string }[] {
  const rough = (to - from) / about;
  if (!(rough > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * (1 - 1e-9)) ?? rough;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => {
    const at = (first + i) * step;
    return { at, text: at.toFixed(digits) };
  });
}
