/** @file SQLite: a write-ahead log, and errors in one line. */
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type Libsql from "libsql";
import { missingPackage, UserError } from "../errors.ts";

export type Database = Libsql.Database;

/**
 * @param synchronous "FULL": the log is on the disk before a write returns; "NORMAL": a write does not wait for the disk, and a power cut
 *   may lose the last ones.
 * @param journal "MEMORY": for a file that is of no use before it is whole; nothing is written beside it
 * @throws UserError `missing-package`, `cannot-write`
 */
export async function openDatabase(
  file: string,
  synchronous: "FULL" | "NORMAL" = "FULL",
  journal: "WAL" | "MEMORY" = "WAL",
): Promise<Database> {
  const Open = await loadDatabase();
  return writing(file, () =>
    opened(new Open(file), (db) => {
      db.pragma(`journal_mode = ${journal}`);
      db.pragma(`synchronous = ${synchronous}`);
    }),
  );
}

/** Made ready, or closed. */
function opened(db: Database, prepare: (db: Database) => void): Database {
  try {
    db.pragma("busy_timeout = 10000");
    prepare(db);
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
}

/**
 * Opens what is only read, and changes nothing about it. Where nothing may be written beside it (a read-only mount), SQLite cannot share its
 * log with others: the file is then read as it stands, with what a killed process left in the log.
 * @throws UserError `missing-package`, SQLite's own errors
 */
export async function openToRead(file: string): Promise<Database> {
  const Open = await loadDatabase();
  const open = (name: string): Database =>
    opened(new Open(name), (db) => void db.prepare("SELECT COUNT(*) FROM sqlite_master").get());
  try {
    return open(file);
  } catch (cause) {
    if (!["SQLITE_CANTOPEN", "SQLITE_READONLY"].includes((cause as { code?: string }).code ?? "")) throw cause;
    const log = `${file}-wal`;
    if (!existsSync(log) || statSync(log).size === 0) return open(`${pathToFileURL(file)}?immutable=1`);
    const copies = mkdtempSync(path.join(tmpdir(), "gradcam-read-"));
    process.once("exit", () => rmSync(copies, { recursive: true, force: true }));
    const copy = path.join(copies, "copy");
    copyFileSync(file, copy);
    copyFileSync(log, `${copy}-wal`);
    return open(copy);
  }
}

/**
 * A transaction that waits for its turn at its begin; one within another is a part of it. Whatever writes while others may, does it in
 * here: a statement that finds the file locked stays under way, in this driver, until it is collected.
 */
export function atOnce<T>(db: Database, act: () => T): T {
  if (db.inTransaction) return act();
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = act();
    db.exec("COMMIT");
    return result;
  } catch (cause) {
    // SQLite has rolled back itself where the disk is full.
    if (db.inTransaction) db.exec("ROLLBACK");
    throw cause;
  }
}

/** What the codes of SQLite's result mean (https://sqlite.org/rescode.html), by how they begin. */
const reasons: Readonly<Record<string, string>> = {
  SQLITE_FULL: "no space left",
  SQLITE_IOERR: "the disk refuses (is it full?)",
  SQLITE_READONLY: "it may only be read",
  SQLITE_BUSY: "another process is writing it",
  SQLITE_LOCKED: "another process is writing it",
  SQLITE_NOTADB: "it is there, and is no SQLite database",
  SQLITE_CORRUPT: "it is damaged",
};

function reasonOf({ code = "", message }: Error & { readonly code?: string }): string {
  if (/Unable to open connection/.test(message)) return "it cannot be opened as a file";
  return reasons[/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? ""] ?? message;
}

/** SQLite's errors as the user's: a full disk, a directory that may not be written, a file that is no database. */
export const writing = <T>(file: string, act: () => T): T => told("cannot write", file, act);

/** The same of a file that is only read. */
export const reading = <T>(file: string, act: () => T): T => told("cannot read", file, act);

function told<T>(what: string, file: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError("cannot-write", `${what} ${file}: ${reasonOf(cause as Error)}`, { cause });
  }
}

async function loadDatabase(): Promise<typeof Libsql> {
  try {
    return (await import("libsql")).default;
  } catch (cause) {
    throw missingPackage(["libsql"], "which keeps results", cause);
  }
}
