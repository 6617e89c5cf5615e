// Where unanswered messages outlive a page. Types only; adoption/ writes and reads the records.

/** What one client has left unanswered, under its id. The text is the client library's own. */
export interface StoredRecord {
  readonly client: string;
  readonly record: string;
}

/**
 * Where unanswered sends are kept: one record per client id, shared by all pages of one person. Give each account its
 * own: what was sent before the first connection told whose it is goes out as whoever finds it.
 */
export interface CallStorage {
  read(): Promise<readonly StoredRecord[]>;
  /** Replaces the record as a whole, or not at all. */
  write(client: string, record: string): Promise<void>;
  delete(client: string): Promise<void>;
  /**
   * Takes the lock of that name if nobody has it, and gives what releases it; a browser's is a Web Lock. It must go when
   * its holder dies, and not before: whoever takes the lock of a client speaks in its name.
   */
  lock(client: string): Promise<(() => void) | undefined>;
}
