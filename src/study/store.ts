/**
 * @file A study on disk: one SQLite file with the items, their pictures and the answers. An answer is in the file before it is
 * acknowledged, so a killed server loses none; triggers keep what must not change, whoever writes.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { InternalError, UserError } from "../errors.ts";
import { atOnce, type Database, openDatabase, writing } from "../node/database.ts";
import type { Origin, Slot, Study } from "./study.ts";

const schema = `
  CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE picture (key TEXT PRIMARY KEY, webp BLOB NOT NULL);
  CREATE TABLE participant (
    id TEXT PRIMARY KEY, origin TEXT NOT NULL, secret TEXT NOT NULL UNIQUE, code TEXT,
    started INTEGER NOT NULL, seen INTEGER NOT NULL, finished INTEGER);
  CREATE TABLE slot (
    participant TEXT NOT NULL REFERENCES participant ON DELETE CASCADE, position INTEGER NOT NULL, item TEXT NOT NULL,
    arrangement TEXT NOT NULL, asked INTEGER, shown INTEGER, answer INTEGER, milliseconds INTEGER,
    PRIMARY KEY (participant, position)) WITHOUT ROWID;
  CREATE TRIGGER study_stays BEFORE UPDATE ON study BEGIN SELECT RAISE(ABORT, 'a study does not change'); END;
  CREATE TRIGGER study_is_kept BEFORE DELETE ON study BEGIN SELECT RAISE(ABORT, 'a study does not change'); END;
  CREATE TRIGGER study_is_whole BEFORE INSERT ON study WHEN EXISTS (SELECT 1 FROM study WHERE key = 'origin')
    BEGIN SELECT RAISE(ABORT, 'a study does not change'); END;
  CREATE TRIGGER origin_is_one BEFORE INSERT ON participant
    WHEN NEW.origin IS NOT (SELECT value FROM study WHERE key = 'origin')
    BEGIN SELECT RAISE(ABORT, 'people and synthetic participants do not mix'); END;
  CREATE TRIGGER origin_stays BEFORE UPDATE OF origin ON participant
    BEGIN SELECT RAISE(ABORT, 'people and synthetic participants do not mix'); END;
  CREATE TRIGGER answer_stays BEFORE UPDATE OF answer ON slot WHEN OLD.answer IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'an answer does not change'); END;
`;

/** Somebody who takes part. Times are in milliseconds since 1970. */
export interface Participant {
  readonly id: string;
  /** What the crowdsourcing site wants to see, from the end on. */
  readonly code: string | null;
  readonly started: number;
  /** When the last answer came. */
  readonly seen: number;
  readonly finished: number | null;
}

/** A place in a participant's sequence, and what became of it. */
export interface Place extends Slot {
  readonly position: number;
  readonly answer: number | null;
  readonly milliseconds: number | null;
}

const columns = "id, code, started, seen, finished";

export class Store {
  private constructor(
    private readonly db: Database,
    readonly file: string,
    readonly study: Study,
    readonly origin: Origin,
  ) {}

  /** Writes a new study. @throws UserError `cannot-write` where there is a file already. */
  static async create(
    file: string,
    study: Study,
    pictures: Iterable<readonly [key: string, webp: Uint8Array]>,
    origin: Origin = "people",
  ): Promise<void> {
    if (existsSync(file))
      throw new UserError("cannot-write", `cannot write ${file}: it exists; a study is not replaced`);
    const partial = `${file}.part`;
    rmSync(partial, { force: true });
    const db = await openDatabase(partial);
    writing(file, () => {
      try {
        db.exec(schema);
        db.transaction(() => {
          const insert = db.prepare("INSERT INTO picture VALUES (?, ?)");
          for (const [key, webp] of pictures) insert.run(key, Buffer.from(webp));
          db.prepare("INSERT INTO study VALUES ('study', ?)").run(JSON.stringify(study));
          db.prepare("INSERT INTO study VALUES ('origin', ?)").run(origin);
        })();
        db.pragma("journal_mode = DELETE"); // one file, without its log beside it
      } finally {
        db.close();
      }
      renameSync(partial, file);
    });
  }

  /** @throws UserError `missing-file`, and `invalid-input` for a file that is no study. */
  static async open(file: string): Promise<Store> {
    if (!existsSync(file))
      throw new UserError("missing-file", `missing study: ${file}: no such file; \`gradcam study design\` makes one`);
    const invalid = (cause: unknown) =>
      new UserError("invalid-input", `invalid study: ${file} is not one that \`gradcam study design\` made`, { cause });
    const db = await openDatabase(file).catch((error: Error) => {
      throw error.message.includes("not a database") ? invalid(error) : error;
    });
    try {
      const read = (key: string) =>
        (db.prepare("SELECT value FROM study WHERE key = ?").get(key) as { value: string }).value;
      const study = JSON.parse(read("study")) as Study;
      if (study.format !== 1) throw new Error(`format ${study.format}`);
      return new Store(db, file, study, read("origin") as Origin);
    } catch (cause) {
      db.close();
      throw invalid(cause);
    }
  }

  picture(key: string): Uint8Array | undefined {
    return (this.db.prepare("SELECT webp FROM picture WHERE key = ?").get(key) as { webp: Uint8Array } | undefined)
      ?.webp;
  }

  *pictures(): Iterable<[string, Uint8Array]> {
    for (const { key } of this.db.prepare("SELECT key FROM picture").all() as { key: string }[])
      yield [key, this.picture(key) as Uint8Array];
  }

  /** How often each item is judged, or is given to somebody who was seen since then; not by who missed a check. */
  counts(since: number): Map<string, number> {
    const rows = this.db
      .prepare(
        `SELECT item, COUNT(*) AS count FROM slot JOIN participant ON id = participant
         WHERE (finished IS NOT NULL OR seen >= ?) AND id NOT IN
           (SELECT participant FROM slot WHERE answer IS NOT NULL AND asked IS NOT NULL AND answer <> asked)
         GROUP BY item`,
      )
      .all(since) as { item: string; count: number }[];
    return new Map(rows.map(({ item, count }) => [item, count]));
  }

  /** Several steps, whole or not at all, and without another process between them. */
  atOnce<T>(act: () => T): T {
    return writing(this.file, () => atOnce(this.db, act));
  }

  enrol(id: string, secret: string, sequence: readonly Slot[], now: number): void {
    this.atOnce(() => {
      this.db
        .prepare("INSERT INTO participant VALUES (?, ?, ?, NULL, ?, ?, NULL)")
        .run(id, this.origin, secret, now, now);
      const insert = this.db.prepare("INSERT INTO slot VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL)");
      for (const [i, { item, arrangement, asked }] of sequence.entries())
        insert.run(id, i, item, JSON.stringify(arrangement), asked ?? null);
    });
  }

  participant(secret: string): Participant | undefined {
    const row = this.db.prepare(`SELECT ${columns} FROM participant WHERE secret = ?`).get(secret);
    return row === undefined ? undefined : participantOf(row);
  }

  participants(): Participant[] {
    return this.db.prepare(`SELECT ${columns} FROM participant ORDER BY id`).all().map(participantOf);
  }

  /** A participant's sequence. */
  places(participant: string): Place[] {
    const rows = this.db
      .prepare(
        "SELECT position, item, arrangement, answer, milliseconds FROM slot WHERE participant = ? ORDER BY position",
      )
      .all(participant);
    return rows.map(placeOf);
  }

  /** Notes when an item was first shown. */
  show(participant: string, position: number, now: number): void {
    writing(this.file, () =>
      this.db
        .prepare("UPDATE slot SET shown = ? WHERE participant = ? AND position = ? AND shown IS NULL")
        .run(now, participant, position),
    );
  }

  /** Keeps an answer; the first one stands. */
  answer(participant: string, position: number, answer: number, now: number): void {
    this.atOnce(() => {
      this.db
        .prepare(
          `UPDATE slot SET answer = ?, milliseconds = ? - COALESCE(shown, ?)
           WHERE participant = ? AND position = ? AND answer IS NULL`,
        )
        .run(answer, now, now, participant, position);
      this.db.prepare("UPDATE participant SET seen = ? WHERE id = ?").run(now, participant);
    });
  }

  /** Ends a participation; the first code stands. */
  finish(participant: string, code: string, now: number): string {
    writing(this.file, () =>
      this.db
        .prepare("UPDATE participant SET finished = ?, code = ? WHERE id = ? AND finished IS NULL")
        .run(now, code, participant),
    );
    const row = this.db.prepare("SELECT code FROM participant WHERE id = ?").get(participant);
    if (row === undefined) throw new InternalError(`participant ${participant} finished and is not there`);
    return (row as { code: string }).code;
  }

  /** Forgets a participant, with every answer. */
  withdraw(participant: string): void {
    this.atOnce(() => {
      this.db.prepare("DELETE FROM slot WHERE participant = ?").run(participant);
      this.db.prepare("DELETE FROM participant WHERE id = ?").run(participant);
    });
  }

  close(): void {
    this.db.close();
  }
}

// libsql's rows carry more than their columns.
function participantOf(row: unknown): Participant {
  const { id, code, started, seen, finished } = row as Participant;
  return { id, code, started, seen, finished };
}

function placeOf(row: unknown): Place {
  const { position, item, arrangement, answer, milliseconds } = row as Place & { arrangement: string };
  return { position, item, arrangement: JSON.parse(arrangement), answer, milliseconds };
}
