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
    if (db.inTransaction) db.exec("ROLLBACK");
    throw cause;
  }
}

/** SQLite's errors as the user's: a full disk, a directory that may not be written, a file that is no database. */
export function writing<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError("cannot-write", `cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}

async function loadDatabase(): Promise<typeof Libsql> {
  try {
    return (await import("libsql")).default;
  } catch (cause) {
    throw new UserError("missing-package", "missing package libsql, which keeps results: npm i libsql", { cause });
  }
}
