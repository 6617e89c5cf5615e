// Where a connection comes from, and whether pages from there may use this server: one rule for sockets and for HTTP. It
// never trusts a header that a page may set.

/** Which pages may come. */
export interface OriginRules {
  /** Origins that pages may connect from besides the server's own; `*` allows any. */
  readonly origins: readonly string[];
  /** Whether pages may only come by a name of this machine. With tokens that anybody here may make up, a page of another
   * site whose name was bent to point here must not get in. */
  readonly loopbackNamesOnly: boolean;
}

/** What a browser says of a page: where it is from, and what it calls this server. */
export interface PageHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;

/** Whether the page may; true for whoever is no page, which says no origin. */
export function allowsOrigin(rules: OriginRules, { origin, host }: PageHeaders): boolean {
  if (origin === undefined || rules.origins.includes(origin) || rules.origins.includes("*")) return true;
  return hostOf(origin) === host && !isBent(rules, host);
}

/** Whether the server was called by a name that may have been bent to point here. */
export function isBent({ loopbackNamesOnly }: OriginRules, host: string | undefined): boolean {
  return loopbackNamesOnly && !LOOPBACK_NAME.test(host ?? "");
}

/** Whether an address is of this machine. */
export const isLoopback = (address: string | undefined): boolean =>
  address === "::1" || /^(::ffff:)?127\./.test(address ?? "");

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
