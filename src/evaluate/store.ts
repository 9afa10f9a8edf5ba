/**
 * @file Results on disk: one SQLite file, a transaction for each picture, so that a killed run loses at most the pictures in flight and a
 * picture counts once however often it was examined.
 */
import { UserError } from "../errors.ts";
import { atOnce, type Database, openDatabase, reading, writing } from "../node/database.ts";
import type { Examined, Outcome } from "./examine.ts";
import type { Measured, Measurement } from "./metrics/metric.ts";

/** The form of the file; a file of a later one is not continued. */
const version = 1;

const tables = {
  run: `CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL)`,
  picture: `CREATE TABLE picture (id TEXT PRIMARY KEY, predicted INTEGER, right INTEGER, error TEXT)`,
  finding: `CREATE TABLE finding (
    picture TEXT NOT NULL, method TEXT NOT NULL, metric TEXT NOT NULL, measurements TEXT NOT NULL,
    PRIMARY KEY (method, metric, picture)) WITHOUT ROWID`,
  outcome: `CREATE TABLE outcome (
    picture TEXT NOT NULL, method TEXT NOT NULL, asked INTEGER, blank INTEGER, broken INTEGER,
    PRIMARY KEY (method, picture)) WITHOUT ROWID`,
} as const;

const columns: Readonly<Record<string, string>> = {
  run: "key value",
  picture: "id predicted right error",
  finding: "picture method metric measurements",
  outcome: "picture method asked blank broken",
};

/** A picture that could not be examined, and why. */
export interface Failure {
  readonly id: string;
  readonly error: string;
}

export class Store {
  private constructor(
    private readonly db: Database,
    private readonly file: string,
  ) {}

  /**
   * Opens the results of a run, or begins them.
   * @param run everything that the figures depend on: results of another run are not mixed in.
   * @throws UserError `invalid-option` when the file is another's, or holds another run's; `cannot-write`, `missing-package`.
   */
  static async open(file: string, run: Readonly<Record<string, unknown>>): Promise<Store> {
    // A killed process loses nothing; a power cut the last results, which are examined again.
    const store = new Store(await openDatabase(file, "NORMAL").catch(advise), file);
    try {
      writing(file, () => store.#begin(run));
    } catch (error) {
      store.close();
      advise(error);
    }
    return store;
  }

  #begin(run: Readonly<Record<string, unknown>>): void {
    this.#checkForm();
    atOnce(this.db, () => {
      for (const [name, sql] of Object.entries(tables)) if (this.#columnsOf(name) === "") this.db.exec(sql);
      this.db.pragma(`user_version = ${version}`);
      // What an earlier version did not record, its figures may not have known of.
      const begun = this.db.prepare("SELECT COUNT(*) AS keys FROM run").get() as { keys: number };
      if (begun.keys > 0) return;
      const insert = this.db.prepare("INSERT INTO run VALUES (?, ?)");
      for (const [key, value] of Object.entries(run)) insert.run(key, JSON.stringify(value));
    });
    for (const [key, value] of Object.entries(run)) {
      const row = this.db.prepare("SELECT value FROM run WHERE key = ?").get(key) as { value: string } | undefined;
      const before = row?.value ?? "not recorded";
      if (before !== JSON.stringify(value))
        throw this.#foreign(`another evaluation's results (${key} was ${before}, is ${JSON.stringify(value)})`);
    }
  }

  /** A database that others made is left as it is. */
  #checkForm(): void {
    const row = this.db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (row.user_version > version && this.#columnsOf("run")) throw this.#foreign("results of a later gradcam");
    const found = this.db.prepare("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").all();
    for (const { name } of found as { name: string }[])
      if (this.#columnsOf(name) !== columns[name])
        throw this.#foreign(`something else (its table "${name}" is not of an evaluation)`);
  }

  /** In order; empty for a table that is not there. */
  #columnsOf(table: string): string {
    const found = this.db.prepare("SELECT name FROM pragma_table_info(?)").all(table) as { name: string }[];
    return found.map(({ name }) => name).join(" ");
  }

  #foreign(what: string): UserError {
    return new UserError("invalid-option", `invalid --out: ${this.file} holds ${what}; name another directory`);
  }

  has(id: string): boolean {
    return this.#rows("SELECT 1 FROM picture WHERE id = ?", id).length > 0;
  }

  #rows(sql: string, ...values: string[]): unknown[] {
    return reading(this.file, () => this.db.prepare(sql).all(...values));
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
    writing(this.file, () =>
      atOnce(this.db, () => {
        const { changes } = this.db.prepare("INSERT OR IGNORE INTO picture VALUES (?, ?, ?, ?)").run(...row);
        if (changes) rest();
      }),
    );
  }

  /** How many pictures were examined, how many of them right and how many said, and those that failed, by name. */
  tally(): {
    readonly examined: number;
    readonly judged: number;
    readonly right: number;
    readonly failures: readonly Failure[];
  } {
    const [counts] = this.#rows(
      "SELECT COUNT(*) AS examined, COUNT(right) AS judged, COALESCE(SUM(right), 0) AS right FROM picture WHERE error IS NULL",
    ) as { examined: number; judged: number; right: number }[];
    const failures = this.#rows("SELECT id, error FROM picture WHERE error IS NOT NULL ORDER BY id") as Failure[];
    // Rows carry more than their columns.
    const { examined, judged, right } = counts;
    return { examined, judged, right, failures: failures.map(({ id, error }) => ({ id, error })) };
  }

  /** What a metric measured by a method, in the order of the pictures' names. */
  measured(method: string, metric: string): Measured[] {
    const rows = this.#rows(
      "SELECT picture, measurements FROM finding WHERE method = ? AND metric = ? ORDER BY picture",
      ...[method, metric],
    ) as { picture: string; measurements: string }[];
    return rows.map(({ picture, measurements }) => ({
      picture,
      measurements: JSON.parse(measurements) as Measurement[],
    }));
  }

  /** The class that the model liked best for a picture. */
  predicted(picture: string): number {
    const [row] = this.#rows("SELECT predicted FROM picture WHERE id = ?", picture) as { predicted: number }[];
    return row.predicted;
  }

  /** A method's explanations over all pictures. */
  outcome(method: string): Outcome {
    const [sums] = this.#rows(
      "SELECT COALESCE(SUM(asked), 0) AS asked, COALESCE(SUM(blank), 0) AS blank, COALESCE(SUM(broken), 0) AS broken FROM outcome WHERE method = ?",
      method,
    ) as Omit<Outcome, "method">[];
    const { asked, blank, broken } = sums;
    return { method, asked, blank, broken };
  }

  close(): void {
    this.db.close();
  }
}

/** A file that cannot be used is left where it is. */
function advise(error: unknown): never {
  if (!(error instanceof UserError) || error.code !== "cannot-write") throw error;
  throw new UserError(error.code, `${error.message}; name another directory with --out`, { cause: error });
}
