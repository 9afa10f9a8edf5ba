/**
 * @file Results on disk: one SQLite file, a transaction for each picture, so that a killed run loses at most the pictures in flight and a
 * picture counts once however often it was examined.
 */
import { UserError } from "../errors.ts";
import { type Database, openDatabase, writing } from "../node/database.ts";
import type { Examined, Outcome } from "./examine.ts";
import type { Measured, Measurement } from "./metrics/metric.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS run (key TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS picture (id TEXT PRIMARY KEY, predicted INTEGER, right INTEGER, error TEXT);
  CREATE TABLE IF NOT EXISTS finding (
    picture TEXT NOT NULL, method TEXT NOT NULL, metric TEXT NOT NULL, measurements TEXT NOT NULL,
    PRIMARY KEY (method, metric, picture)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outcome (
    picture TEXT NOT NULL, method TEXT NOT NULL, asked INTEGER, blank INTEGER, broken INTEGER,
    PRIMARY KEY (method, picture)) WITHOUT ROWID;
`;

/** A picture that could not be examined, and why. */
export interface Failure {
  readonly id: string;
  readonly error: string;
}

export class Store {
  private constructor(private readonly db: Database) {}

  /**
   * Opens the results of a run, or begins them.
   * @param run everything that the figures depend on: results of another run are not mixed in.
   * @throws UserError `invalid-option` when the file holds another run's, `cannot-write`, `missing-package`.
   */
  static async open(file: string, run: Readonly<Record<string, unknown>>): Promise<Store> {
    // A killed process loses nothing; a power cut the last results, which are examined again.
    const store = new Store(await openDatabase(file, "NORMAL"));
    writing(file, () => {
      store.db.exec(schema);
      // What an earlier version did not record, its figures may not have known of.
      const begun = store.db.prepare("SELECT COUNT(*) AS keys FROM run").get() as { keys: number };
      if (begun.keys > 0) return;
      const insert = store.db.prepare("INSERT OR IGNORE INTO run VALUES (?, ?)");
      for (const [key, value] of Object.entries(run)) insert.run(key, JSON.stringify(value));
    });
    for (const [key, value] of Object.entries(run)) {
      const row = store.db.prepare("SELECT value FROM run WHERE key = ?").get(key) as { value: string } | undefined;
      const before = row?.value ?? "not recorded";
      if (before !== JSON.stringify(value)) {
        store.close();
        throw new UserError(
          "invalid-option",
          `invalid --out: ${file} holds another evaluation's results (${key} was ${before}, is ${JSON.stringify(value)}); name another directory`,
        );
      }
    }
    return store;
  }

  has(id: string): boolean {
    return this.db.prepare("SELECT 1 FROM picture WHERE id = ?").get(id) !== undefined;
  }

  /** Writes what came of a picture; the first result stands. */
  record(id: string, result: Examined): void {
    this.#once([id, result.predicted, result.right === undefined ? null : Number(result.right), null], () => {
      const finding = this.db.prepare("INSERT INTO finding VALUES (?, ?, ?, ?)");
      for (const { method, metric, measurements } of result.findings)
        finding.run(id, method, metric, JSON.stringify(measurements));
      const outcome = this.db.prepare("INSERT INTO outcome VALUES (?, ?, ?, ?, ?)");
      for (const { method, asked, blank, broken } of result.outcomes) outcome.run(id, method, asked, blank, broken);
    });
  }

  recordFailure({ id, error }: Failure): void {
    this.#once([id, null, null, error], () => {});
  }

  #once(row: readonly (string | number | null)[], rest: () => void): void {
    writing(this.db.name, () => {
      this.db.transaction(() => {
        const { changes } = this.db.prepare("INSERT OR IGNORE INTO picture VALUES (?, ?, ?, ?)").run(...row);
        if (changes) rest();
      })();
    });
  }

  /** How many pictures were examined, how many of them right and how many said, and those that failed, by name. */
  tally(): {
    readonly examined: number;
    readonly judged: number;
    readonly right: number;
    readonly failures: readonly Failure[];
  } {
    const counts = this.db
      .prepare(
        "SELECT COUNT(*) AS examined, COUNT(right) AS judged, COALESCE(SUM(right), 0) AS right FROM picture WHERE error IS NULL",
      )
      .get() as { examined: number; judged: number; right: number };
    const failures = this.db
      .prepare("SELECT id, error FROM picture WHERE error IS NOT NULL ORDER BY id")
      .all() as Failure[];
    // Rows carry more than their columns.
    const { examined, judged, right } = counts;
    return { examined, judged, right, failures: failures.map(({ id, error }) => ({ id, error })) };
  }

  /** What a metric measured by a method, in the order of the pictures' names. */
  measured(method: string, metric: string): Measured[] {
    const rows = this.db
      .prepare("SELECT picture, measurements FROM finding WHERE method = ? AND metric = ? ORDER BY picture")
      .all(method, metric) as { picture: string; measurements: string }[];
    return rows.map(({ picture, measurements }) => ({
      picture,
      measurements: JSON.parse(measurements) as Measurement[],
    }));
  }

  /** The class that the model liked best for a picture. */
  predicted(picture: string): number {
    const row = this.db.prepare("SELECT predicted FROM picture WHERE id = ?").get(picture) as { predicted: number };
    return row.predicted;
  }

  /** A method's explanations over all pictures. */
  outcome(method: string): Outcome {
    const sums = this.db
      .prepare(
        "SELECT COALESCE(SUM(asked), 0) AS asked, COALESCE(SUM(blank), 0) AS blank, COALESCE(SUM(broken), 0) AS broken FROM outcome WHERE method = ?",
      )
      .get(method) as Omit<Outcome, "method">;
    const { asked, blank, broken } = sums;
    return { method, asked, blank, broken };
  }

  close(): void {
    this.db.close();
  }
}
