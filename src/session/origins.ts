// Whether pages from somewhere may use this server: one rule for sockets and for HTTP, asked before there is a socket. It
// never trusts a header that a page may set.
import type { Arrival, TrustedProxies, Way } from "./proxies.js";

/** Which pages may come. */
export interface OriginRules {
  /** Origins that pages may connect from besides the server's own; `*` allows any. */
  readonly origins: readonly string[];
  /** Whether pages may only come by a name of this machine. With tokens that anybody here may make up, a page of another
   * site whose name was bent to point here must not get in. */
  readonly loopbackNamesOnly: boolean;
  /** Who is believed about where requests are from. */
  readonly proxies: TrustedProxies;
}

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;

/** Whether the page may; true for whoever is no page, which says no origin. */
export function allowsOrigin(rules: OriginRules, arrival: Arrival): boolean {
  const { origin } = arrival.headers;
  if (origin === undefined || rules.origins.includes(origin) || rules.origins.includes("*")) return true;
  const way = rules.proxies.wayOf(arrival);
  return isOwnOrigin(origin, way) && !isBent(rules, way.host);
}

/** Whether whoever asks is on this machine, and no page of another site either. */
export function isFromHere(rules: OriginRules, arrival: Arrival): boolean {
  const { address, host, isForwarded } = rules.proxies.wayOf(arrival);
  // A tunnel ends on this machine, too.
  return isLoopback(address) && !isForwarded && !isBent(rules, host);
}

/** Whether this server was called by a name that every machine has for itself. */
export const isLoopbackName = (host: string | undefined): boolean => LOOPBACK_NAME.test(host ?? "");

/** Whether an address is of this machine. */
export const isLoopback = (address: string | undefined): boolean =>
  address === "::1" || /^(::ffff:)?127\./.test(address ?? "");

/** Whether the server was called by a name that may have been bent to point here. */
function isBent({ loopbackNamesOnly }: OriginRules, host: string | undefined): boolean {
  return loopbackNamesOnly && !isLoopbackName(host);
}

/** The page is this server's own: the same host and port, and the same scheme where that is known. */
function isOwnOrigin(origin: string, { host, secure }: Way): boolean {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  const own = `${page.protocol}//${host ?? ""}`;
  if (secure !== undefined && page.protocol !== (secure ? "https:" : "http:")) return false;
  return URL.canParse(own) && new URL(own).host === page.host;
}
