/**
 * @file A study on disk: one SQLite file with the items, their pictures and the answers. An answer is in the file before it is
 * acknowledged, so a killed server loses none; triggers keep what must not change, whoever writes.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { InternalError, UserError } from "../errors.ts";
import { atOnce, type Database, openDatabase, openToRead, writing } from "../node/database.ts";
import { type Bytes, type PlaceRow, placeOf, studyOf, text } from "./intact.ts";
import { isLocked } from "./patiently.ts";
import type { Waiting } from "./starts.ts";
import type { Item, Origin, Place, Slot, Study } from "./study.ts";

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

// Every column is cast: at a text that is not UTF-8, which damage can make of anything, the driver ends the process.
const bytes = (name: string) => `CAST(${name} AS BLOB) AS ${name}`;
const whole = (name: string) => `CAST(${name} AS INTEGER) AS ${name}`;
const participantColumns = [bytes("id"), bytes("code"), ...["started", "seen", "finished"].map(whole)].join(", ");
const placeColumns = [whole("position"), bytes("item"), bytes("arrangement"), whole("answer"), whole("milliseconds")];
const unanswered = "SELECT participant FROM slot WHERE answer IS NULL";
const begun = "SELECT participant FROM slot WHERE answer IS NOT NULL";
const careless = "SELECT participant FROM slot WHERE answer IS NOT NULL AND asked IS NOT NULL AND answer <> asked";

export class Store {
  readonly #items: ReadonlyMap<string, Item>;

  private constructor(
    private readonly db: Database,
    readonly file: string,
    readonly study: Study,
    readonly origin: Origin,
  ) {
    this.#items = new Map(study.items.map((item) => [item.id, item]));
  }

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
    const clear = () => {
      for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(`${partial}${end}`, { force: true });
    };
    clear();
    try {
      await fill(partial, file, study, pictures, origin);
      writing(file, () => renameSync(partial, file));
    } catch (cause) {
      clear();
      throw cause;
    }
  }

  /** Opens a study to take answers. @throws UserError `missing-file`, and `invalid-input` for a file that is no study, or a damaged one. */
  static open(file: string): Promise<Store> {
    return Store.#open(file, openDatabase);
  }

  /** Opens a study of which nothing is changed, and which need not be writable. @throws UserError as `open` */
  static read(file: string): Promise<Store> {
    return Store.#open(file, openToRead);
  }

  static async #open(file: string, opening: (file: string) => Promise<Database>): Promise<Store> {
    if (!existsSync(file))
      throw new UserError("missing-file", `missing study: ${file}: no such file; \`gradcam study design\` makes one`);
    const invalid = (cause: unknown) =>
      new UserError("invalid-input", `invalid study: ${file} is not one that \`gradcam study design\` made`, { cause });
    const db = await opening(file).catch((cause: Error) => {
      if (cause.message.includes("not a database")) throw invalid(cause);
      throw cause instanceof UserError ? cause : unreadable(file, cause);
    });
    try {
      const read = (key: string) => {
        const row = db.prepare(`SELECT ${bytes("value")} FROM study WHERE key = ?`).get(key);
        return (row as { value: Bytes } | undefined)?.value;
      };
      const [study, origin] = [read("study"), read("origin")];
      if (!study || !origin) throw invalid(undefined);
      const store = new Store(db, file, studyOf(text(study)), originOf(text(origin)));
      const [{ said }] = db.prepare("SELECT CAST(quick_check AS BLOB) AS said FROM pragma_quick_check(1)").all() as [
        { said: Bytes },
      ];
      const found = new TextDecoder().decode(said);
      if (found !== "ok") throw new Error(found.replaceAll(/\s+/g, " "));
      return store;
    } catch (cause) {
      db.close();
      if (cause instanceof UserError) throw cause;
      throw (cause as Error).message.includes("no such table") ? invalid(cause) : unreadable(file, cause);
    }
  }

  /** A lock of another process is told at once, so that whoever serves others can wait for it in their own way. */
  neverWaits(): void {
    this.db.pragma("busy_timeout = 0");
  }

  /** Rows, for whose damage the file is named. */
  #rows<Row>(sql: string, ...values: readonly (string | number)[]): Row[] {
    return this.#intact(() => this.db.prepare(sql).all(...values) as Row[]);
  }

  #intact<T>(read: () => T, of = ""): T {
    try {
      return read();
    } catch (cause) {
      if (isLocked(cause)) throw cause;
      throw unreadable(this.file, cause, of);
    }
  }

  picture(key: string): Uint8Array | undefined {
    const [row] = this.#rows<{ webp: Bytes }>(`SELECT ${bytes("webp")} FROM picture WHERE key = ?`, key);
    return row && new Uint8Array(row.webp as ArrayBuffer);
  }

  *pictures(): Iterable<[string, Uint8Array]> {
    for (const { key } of this.#rows<{ key: Bytes }>(`SELECT ${bytes("key")} FROM picture`)) {
      const name = this.#intact(() => text(key));
      yield [name, this.picture(name) as Uint8Array];
    }
  }

  /**
   * How often each item is judged, by who answered everything, or is given to somebody who was seen since then; not by who missed a
   * check. What damage made of an item's name is no item.
   */
  counts(since: number): Map<string, number> {
    const rows = this.#rows<{ name: Bytes; count: number }>(
      `SELECT CAST(item AS BLOB) AS name, COUNT(*) AS count FROM slot JOIN participant ON id = participant
       WHERE (seen >= ? OR finished IS NOT NULL OR id NOT IN (${unanswered})) AND id NOT IN (${careless})
       GROUP BY item`,
      since,
    );
    const lenient = new TextDecoder();
    return new Map(rows.map(({ name, count }) => [lenient.decode(name), count]));
  }

  /** When the first of those who were seen since then, and have something left to answer, was seen last. */
  firstSeen(since: number): number | undefined {
    const [{ first }] = this.#rows<{ first: number | null }>(
      `SELECT CAST(MIN(seen) AS INTEGER) AS first FROM participant
       WHERE seen >= ? AND id IN (${unanswered}) AND id NOT IN (${careless})`,
      since,
    );
    return first ?? undefined;
  }

  /** Who was seen since then and has not answered anything. */
  waiting(since: number): Waiting[] {
    const rows = this.#rows<{ id: Bytes; seen: number }>(
      `SELECT ${bytes("id")}, ${whole("seen")} FROM participant WHERE seen >= ? AND id NOT IN (${begun})`,
      since,
    );
    const lenient = new TextDecoder();
    return rows.map(({ id, seen }) => ({ id: lenient.decode(id), seen }));
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
      this.#give(id, sequence);
    });
  }

  #give(id: string, sequence: readonly Slot[]): void {
    const insert = this.db.prepare("INSERT INTO slot VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL)");
    for (const [i, { item, arrangement, asked }] of sequence.entries())
      insert.run(id, i, item, JSON.stringify(arrangement), asked ?? null);
  }

  participant(secret: string): Participant | undefined {
    const sql = `SELECT ${participantColumns} FROM participant WHERE secret = ?`;
    return this.#rows<ParticipantRow>(sql, secret).map((row) => this.#intact(() => participantOf(row)))[0];
  }

  participants(): Participant[] {
    const sql = `SELECT ${participantColumns} FROM participant ORDER BY id`;
    return this.#rows<ParticipantRow>(sql).map((row) => this.#intact(() => participantOf(row)));
  }

  /** A participant's sequence. */
  places(participant: string): Place[] {
    const sql = `SELECT ${placeColumns.join(", ")} FROM slot WHERE participant = ? ORDER BY position`;
    const rows = this.#rows<PlaceRow>(sql, participant);
    return this.#intact(() => {
      const places = rows.map((row) => placeOf(row, this.#items));
      if (places.some(({ position }, i) => position !== i)) throw new Error("questions are missing");
      return places;
    }, `participant ${participant}, `);
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
  answer(participant: string, position: number, answer: number, now: number, shown = now): void {
    this.atOnce(() => {
      this.db
        .prepare(
          `UPDATE slot SET answer = ?, milliseconds = ? - COALESCE(shown, ?)
           WHERE participant = ? AND position = ? AND answer IS NULL`,
        )
        .run(answer, now, shown, participant, position);
      this.db.prepare("UPDATE participant SET seen = ? WHERE id = ?").run(now, participant);
    });
  }

  /** Holds the place of somebody who has not answered anything from now on, with other questions where they are given. */
  hold(participant: string, sequence: readonly Slot[] | undefined, now: number): void {
    this.atOnce(() => {
      this.db.prepare("UPDATE participant SET started = ?, seen = ? WHERE id = ?").run(now, now, participant);
      if (!sequence) return;
      this.db.prepare("DELETE FROM slot WHERE participant = ?").run(participant);
      this.#give(participant, sequence);
    });
  }

  /** Takes a place back, as if its holder had stayed away for ever. */
  free(participant: string): void {
    writing(this.file, () => this.db.prepare("UPDATE participant SET seen = 0 WHERE id = ?").run(participant));
  }

  /** Forgets who began before then, stays away since, and answered nothing. */
  forget(before: number): void {
    this.atOnce(() => {
      const gone = `SELECT id FROM participant WHERE started < ? AND seen < ? AND id NOT IN (${begun})`;
      this.db.prepare(`DELETE FROM slot WHERE participant IN (${gone})`).run(before, before);
      this.db
        .prepare("DELETE FROM participant WHERE started < ? AND seen < ? AND id NOT IN (SELECT participant FROM slot)")
        .run(before, before);
    });
  }

  /** Ends a participation; the first code stands. */
  finish(participant: string, code: string, now: number): string {
    writing(this.file, () =>
      this.db
        .prepare("UPDATE participant SET finished = ?, code = ? WHERE id = ? AND finished IS NULL")
        .run(now, code, participant),
    );
    const [row] = this.#rows<{ code: Bytes }>(`SELECT ${bytes("code")} FROM participant WHERE id = ?`, participant);
    if (row === undefined) throw new InternalError(`participant ${participant} finished and is not there`);
    return this.#intact(() => text(row.code));
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

/** Writes a study into a file of its own, without its log beside it. */
async function fill(
  partial: string,
  file: string,
  study: Study,
  pictures: Iterable<readonly [key: string, webp: Uint8Array]>,
  origin: Origin,
): Promise<void> {
  const db = await openDatabase(partial).catch((cause: Error) => {
    throw cause instanceof UserError && cause.code === "cannot-write"
      ? new UserError(cause.code, cause.message.replace(partial, file), { cause })
      : cause;
  });
  writing(file, () => {
    try {
      db.exec(schema);
      atOnce(db, () => {
        const insert = db.prepare("INSERT INTO picture VALUES (?, ?)");
        for (const [key, webp] of pictures) insert.run(key, Buffer.from(webp));
        db.prepare("INSERT INTO study VALUES ('study', ?)").run(JSON.stringify(study));
        db.prepare("INSERT INTO study VALUES ('origin', ?)").run(origin);
      });
      db.pragma("journal_mode = DELETE");
    } finally {
      db.close();
    }
  });
}

/** What cannot be read, in one line: the disk, or the file. */
const unreadable = (file: string, cause: unknown, of = ""): UserError =>
  new UserError("invalid-input", `damaged study: ${file}: ${of}${(cause as Error).message}`, { cause });

const originOf = (said: string): Origin => {
  if (said !== "people" && said !== "synthetic") throw new Error("it does not say whose answers it holds");
  return said;
};

interface ParticipantRow extends Pick<Participant, "started" | "seen" | "finished"> {
  readonly id: Bytes;
  readonly code: Bytes | null;
}

// libsql's rows carry more than their columns.
const participantOf = ({ id, code, started, seen, finished }: ParticipantRow): Participant => ({
  ...{ id: text(id), code: code && text(code), started, seen, finished },
});
