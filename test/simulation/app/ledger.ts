// Books that nobody may see: each entry bears a mark by which it is found in any frame that shows it.

/** Stands behind the name of those who alone may see a text; behind `ledger` in what nobody may see. */
export const MARK = "!";
const ENTRIES_MAX = 6;

/** One entry more. */
export function book(ledger: string[], token: string): void {
  ledger.push(`ledger${MARK}${token}`);
  if (ledger.length > ENTRIES_MAX) ledger.shift();
}

/** Everybody whose texts are in these bytes: teams by their names, and `ledger`. */
export function marksIn(bytes: Uint8Array): readonly string[] {
  if (!bytes.includes(MARK.charCodeAt(0))) return [];
  return (
    Buffer.from(bytes)
      .toString("latin1")
      .match(/(?:red|blue|gray|ledger)(?=!)/g) ?? []
  );
}
