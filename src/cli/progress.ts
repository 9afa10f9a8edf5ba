/** @file A progress line with the time that is left, on a terminal's standard error only. */
import { printable } from "../render/printable.ts";

export class Progress {
  readonly #started = performance.now();
  readonly #visible = process.stderr.isTTY === true;
  #lastDrawn = 0;

  constructor(
    private readonly what: string,
    private readonly total: number,
  ) {}

  /** @param done units finished, in parts too. */
  update(done: number): void {
    const now = performance.now();
    if (!this.#visible || now - this.#lastDrawn < 100 || !(this.total > 0)) return;
    this.#lastDrawn = now;
    const seconds = (now - this.#started) / 1000;
    const left = done > 0 ? `, ${duration((seconds / done) * (this.total - done))} left` : "";
    const width = 24;
    const filled = Math.round((width * done) / this.total);
    this.#draw(
      `${"█".repeat(filled)}${"░".repeat(width - filled)} ${Math.floor(done)}/${this.total} ${this.what}${left}`,
    );
  }

  clear(): void {
    if (this.#visible && this.#lastDrawn) this.#draw("");
  }

  #draw(line: string): void {
    process.stderr.write(`\r\x1b[K${printable(line).slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }
}

/** 12 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  return s < 3600
    ? `${Math.floor(s / 60)} min ${s % 60} s`
    : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
