// Which receipts of one client still matter: one rule for every store.

/** What the rule looks at. */
export interface Numbered {
  readonly n: number;
  readonly low: number;
}

/** Those that still matter, by rising n: n at or above the greatest low, and always the greatest n, which then carries
 * that low. Of two with the same n the later one counts. */
export function unsettled<R extends Numbered>(receipts: readonly R[]): R[] {
  const low = receipts.reduce((greatest, receipt) => Math.max(greatest, receipt.low), 0);
  const highest = receipts.reduce((greatest, receipt) => Math.max(greatest, receipt.n), 0);
  const byNumber = new Map<number, R>();
  for (const receipt of receipts) {
    if (receipt.n === highest) byNumber.set(receipt.n, { ...receipt, low });
    else if (receipt.n >= low) byNumber.set(receipt.n, receipt);
  }
  return [...byNumber.values()].sort((left, right) => left.n - right.n);
}
