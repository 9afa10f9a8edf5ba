/** @file SQLite: a write-ahead log, and errors in one line. */
import type Libsql from "libsql";
import { UserError } from "../errors.ts";

export type Database = Libsql.Database;

/**
 * @param synchronous "FULL": the log is on the disk before a write returns; "NORMAL": a write does not wait for the disk, and a power cut
 *   may lose the last ones.
 * @throws UserError `missing-package`, `cannot-write`
 */
export async function openDatabase(file: string, synchronous: "FULL" | "NORMAL" = "FULL"): Promise<Database> {
  const Open = await loadDatabase();
  return writing(file, () => {
    const db = new Open(file);
    db.pragma("busy_timeout = 10000");
    db.pragma("journal_mode = WAL");
    db.pragma(`synchronous = ${synchronous}`);
    return db;
  });
}

/** A transaction that waits for its turn at its begin; one within another is a part of it. */
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
    throw new UserError("missing-package", "missing package libsql, which keeps results: npm i libsql", { cause });
  }
}
