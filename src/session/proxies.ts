// By which way a request came: what it says of itself, and what proxies say that are trusted to say it. What anybody else
// writes into those headers is never believed.
import type { IncomingHttpHeaders } from "node:http";
import { BlockList, isIP } from "node:net";

/** A request as it arrived. */
export interface Arrival {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean };
}

/** Where a request is from, and what for its sender this server is. */
export interface Way {
  /** Of whoever sent it. */
  readonly address: string | undefined;
  /** What they call this server: a name or address, and perhaps a port. */
  readonly host: string | undefined;
  /** Whether it came to us, or to the first proxy, by TLS; undefined: nobody says, who is believed. */
  readonly secure: boolean | undefined;
  /** By a proxy, whether or not that one is trusted. */
  readonly isForwarded: boolean;
}

/** The networks whose proxies are believed. */
export class TrustedProxies {
  readonly #networks = new BlockList();
  readonly #isEmpty: boolean;
  readonly #ownEdges: boolean;

  /** Addresses (`10.0.0.7`, `::1`) and networks (`10.0.0.0/8`); `ownEdges`: what has no address comes from an edge of this
   * server. Throws TypeError that names the first that is neither. */
  constructor(networks: readonly string[] = [], { ownEdges = false }: { readonly ownEdges?: boolean } = {}) {
    this.#isEmpty = networks.length === 0 && !ownEdges;
    this.#ownEdges = ownEdges;
    for (const network of networks) this.#add(network);
  }

  wayOf({ headers, socket: { remoteAddress, encrypted } }: Arrival): Way {
    const isForwarded = FORWARDING.some((name) => headers[name] !== undefined);
    const secure = encrypted === true ? true : undefined;
    if (this.#isEmpty || !isForwarded || !this.#trusts(remoteAddress)) {
      return { address: remoteAddress, host: headers.host, secure, isForwarded };
    }
    const protocol = firstOf(headers["x-forwarded-proto"])?.toLowerCase();
    return {
      address: this.#sender(listOf(headers["x-forwarded-for"])) ?? remoteAddress,
      host: firstOf(headers["x-forwarded-host"]) ?? headers.host,
      secure: protocol === "https" || protocol === "wss" ? true : protocol === undefined ? secure : false,
      isForwarded,
    };
  }

  /** The last that nobody trusted wrote: what stands before it, anybody may have written. */
  #sender(addresses: readonly string[]): string | undefined {
    return addresses.findLast((address) => !this.#trusts(address)) ?? addresses[0];
  }

  #trusts(address: string | undefined): boolean {
    if (address === undefined) return this.#ownEdges;
    const plain = address.replace(MAPPED, "");
    const version = isIP(plain);
    return version !== 0 && this.#networks.check(plain, version === 6 ? "ipv6" : "ipv4");
  }

  #add(network: string): void {
    const [address = "", bits, ...more] = network.split("/");
    const version = isIP(address);
    const longest = version === 6 ? 128 : 32;
    const prefix = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (version === 0 || more.length > 0 || !(prefix <= longest)) {
      throw new TypeError(`${JSON.stringify(network)} is no address and no network such as 10.0.0.0/8`);
    }
    this.#networks.addSubnet(address, prefix, version === 6 ? "ipv6" : "ipv4");
  }
}

/** Where proxies write what they know. */
const FORWARDING = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"] as const;
/** How a socket for both families shows an IPv4 address. */
const MAPPED = /^::ffff:(?=\d+\.)/;

const listOf = (header: string | readonly string[] | undefined): readonly string[] =>
  [header ?? []]
    .flat()
    .join(",")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

const firstOf = (header: string | readonly string[] | undefined): string | undefined => listOf(header)[0];
