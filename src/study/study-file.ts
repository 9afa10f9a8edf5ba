/** @file The file of a study as a whole: how it is made, whole or not at all, and what is made sure of before anything in it is believed. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { UserError } from "../errors.ts";
import { atOnce, type Database, openDatabase, writing } from "../node/database.ts";
import { type Column, studyOf, text } from "./intact.ts";
import { isLocked } from "./patiently.ts";
import type { Origin, Study } from "./study.ts";

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

/** Removes a file that is of no use, with what SQLite keeps beside it. */
export function removeFile(file: string): void {
  for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(`${file}${end}`, { force: true });
}

/** At a text that is not UTF-8, which damage can make of any column, the driver ends the process: texts are read as bytes. */
export const safely = (name: string): string =>
  `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END AS ${name}`;

/** @throws UserError `cannot-write`; nothing is left then */
export async function createFile(
  file: string,
  study: Study,
  pictures: Iterable<readonly [key: string, webp: Uint8Array]>,
  origin: Origin,
): Promise<void> {
  if (existsSync(file))
    throw new UserError("cannot-write", `cannot write ${file}: it exists, and studies are not overwritten`);
  const partial = `${file}.part`;
  removeFile(partial);
  try {
    await fill(partial, file, study, pictures, origin);
    writing(file, () => renameSync(partial, file));
  } catch (cause) {
    removeFile(partial);
    throw cause;
  }
}

/** Writes a study into a file of its own, without anything beside it. */
async function fill(
  partial: string,
  file: string,
  study: Study,
  pictures: Iterable<readonly [key: string, webp: Uint8Array]>,
  origin: Origin,
): Promise<void> {
  const db = await openDatabase(partial, "FULL", "MEMORY").catch((cause: Error) => {
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
    } finally {
      db.close();
    }
  });
}

/** @throws UserError `missing-file`, `cannot-write`, and `invalid-input` for a file that is no study, or a damaged one */
export async function openFile(
  file: string,
  opening: (file: string) => Promise<Database>,
): Promise<{ readonly db: Database; readonly study: Study; readonly origin: Origin }> {
  if (!existsSync(file))
    throw new UserError(
      "missing-file",
      `missing study: ${file}: no such file; create one with \`gradcam study design\``,
    );
  const refused = (error: Error): UserError => {
    if (error instanceof UserError && error.code !== "cannot-write") return error;
    const cause = error instanceof UserError ? (error.cause as Error) : error;
    const { code } = cause as { code?: string };
    if (code === "SQLITE_NOTADB" || /^no such table|^no study/.test(cause.message))
      return new UserError("invalid-input", `invalid study: ${file} was not created by \`gradcam study design\``, {
        cause,
      });
    return error instanceof UserError && code !== "SQLITE_CORRUPT" ? error : unreadable(file, cause);
  };
  const db = await opening(file).catch((error: Error) => {
    throw refused(error);
  });
  try {
    const rows = <Row>(sql: string) => db.prepare(sql).all() as Row[];
    const found = rows<Record<string, Column>>(`SELECT ${safely("key")}, ${safely("value")} FROM study`);
    const about = new Map(found.map(({ key, value }) => [text(key), text(value)]));
    const study = studyOf(about.get("study"));
    const origin = originOf(about.get("origin"));
    const [{ said }] = rows<{ said: Column }>("SELECT CAST(quick_check AS BLOB) AS said FROM pragma_quick_check(1)");
    if (text(said) !== "ok") throw new Error(text(said).replaceAll(/\s+/g, " "));
    return { db, study, origin };
  } catch (error) {
    db.close();
    throw refused(error as Error);
  }
}

/** What cannot be read, in one line: another program is at it, or it is damaged. */
export const unreadable = (file: string, cause: unknown, of = ""): UserError =>
  new UserError(
    "invalid-input",
    isLocked(cause)
      ? `cannot read ${file}: it is locked by another program; try again when that has finished`
      : `damaged study: ${file}: ${of}${(cause as Error).message}`,
    { cause },
  );

function originOf(said: string | undefined): Origin {
  if (said !== "people" && said !== "synthetic") throw new Error("it does not say whose answers it holds");
  return said;
}
