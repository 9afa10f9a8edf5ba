/**
 * @file A study on disk: one SQLite file with the items, their pictures and the answers. An answer is in the file before it is
 * acknowledged, so a killed server loses none; triggers keep what must not change, whoever writes.
 */
import { InternalError } from "../errors.ts";
import { atOnce, type Database, openDatabase, openToRead, writing } from "../node/database.ts";
import { bytes, type Column, type PlaceRow, placeOf, text, whole } from "./intact.ts";
import type { Waiting } from "./starts.ts";
import type { Item, Origin, Place, Slot, Study } from "./study.ts";
import { createFile, openFile, safely, unreadable } from "./study-file.ts";

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

const participantColumns = ["id", "code", "started", "seen", "finished"].map(safely).join(", ");
const placeColumns = ["position", "item", "arrangement", "answer", "milliseconds"].map(safely).join(", ");
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

  /** Writes a new study. @throws UserError `cannot-write`, also where there is a file already. */
  static create(
    file: string,
    study: Study,
    pictures: Iterable<readonly [key: string, webp: Uint8Array]>,
    origin: Origin = "people",
  ): Promise<void> {
    return createFile(file, study, pictures, origin);
  }

  /** Opens a study to take answers. @throws UserError `missing-file`, and `invalid-input` for a file that is no study, or a damaged one. */
  static async open(file: string): Promise<Store> {
    const { db, study, origin } = await openFile(file, openDatabase);
    return new Store(db, file, study, origin);
  }

  /** Opens a study of which nothing is changed, and which need not be writable. @throws UserError as `open` */
  static async read(file: string): Promise<Store> {
    const { db, study, origin } = await openFile(file, openToRead);
    return new Store(db, file, study, origin);
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
      throw unreadable(this.file, cause, of);
    }
  }

  picture(key: string): Uint8Array | undefined {
    const [row] = this.#rows<{ webp: Column }>(`SELECT ${safely("webp")} FROM picture WHERE key = ?`, key);
    return row && this.#intact(() => bytes(row.webp));
  }

  *pictures(): Iterable<[string, Uint8Array]> {
    for (const { key } of this.#rows<{ key: Column }>(`SELECT ${safely("key")} FROM picture`)) {
      const name = this.#intact(() => text(key));
      yield [name, this.picture(name) as Uint8Array];
    }
  }

  /**
   * How often each item is judged, by who answered everything, or is given to somebody who was seen since then; not by who missed a
   * check. What damage made of an item's name is no item.
   */
  counts(since: number): Map<string, number> {
    const rows = this.#rows<{ name: ArrayBuffer; count: number }>(
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
    const rows = this.#rows<{ holder: ArrayBuffer; seen: number }>(
      `SELECT CAST(id AS BLOB) AS holder, CAST(seen AS INTEGER) AS seen FROM participant
       WHERE seen >= ? AND id NOT IN (${begun})`,
      since,
    );
    const lenient = new TextDecoder();
    return rows.map(({ holder, seen }) => ({ id: lenient.decode(holder), seen }));
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
    const sql = `SELECT ${placeColumns} FROM slot WHERE participant = ? ORDER BY position`;
    const rows = this.#rows<PlaceRow>(sql, participant);
    return this.#intact(() => {
      const places = rows.map((row) => placeOf(row, this.#items));
      if (places.some(({ position }, i) => position !== i)) throw new Error("questions are missing");
      return places;
    }, `participant ${participant}, `);
  }

  /** Notes when an item was first shown. */
  show(participant: string, position: number, now: number): void {
    this.atOnce(() =>
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
    this.atOnce(() => this.db.prepare("UPDATE participant SET seen = 0 WHERE id = ?").run(participant));
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
    this.atOnce(() =>
      this.db
        .prepare("UPDATE participant SET finished = ?, code = ? WHERE id = ? AND finished IS NULL")
        .run(now, code, participant),
    );
    const [row] = this.#rows<{ code: Column }>(`SELECT ${safely("code")} FROM participant WHERE id = ?`, participant);
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

// libsql's rows carry more than their columns.
type ParticipantRow = Readonly<Record<keyof Participant, Column>>;

const participantOf = ({ id, code, started, seen, finished }: ParticipantRow): Participant => ({
  ...{ id: text(id), code: code === null ? null : text(code), started: whole(started), seen: whole(seen) },
  finished: finished === null ? null : whole(finished),
});
