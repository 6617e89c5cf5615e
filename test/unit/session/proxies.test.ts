// Who is believed about where a request is from, and which pages may come by which way.
import { describe, expect, it } from "vitest";
import { allowsOrigin, isFromHere } from "../../../src/session/origins.js";
import { type Arrival, TrustedProxies } from "../../../src/session/proxies.js";

const at = (remoteAddress: string, headers: Arrival["headers"] = {}, encrypted = false): Arrival => ({
  headers: { host: "tide.example", ...headers },
  socket: { remoteAddress, encrypted },
});

const FORWARDED = {
  "x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.0.0.8",
  "x-forwarded-proto": "https",
  "x-forwarded-host": "live.example",
};

describe("the way of a request", () => {
  it("[PROXY-1] is what the socket says when nobody is trusted, whatever the headers say", () => {
    expect(new TrustedProxies().wayOf(at("10.0.0.7", FORWARDED))).toEqual({
      address: "10.0.0.7",
      host: "tide.example",
      secure: undefined,
      isForwarded: true,
    });
  });

  it("[PROXY-1] is not what somebody says who is not one of the proxies", () => {
    const way = new TrustedProxies(["10.0.0.0/8"]).wayOf(at("11.0.0.7", FORWARDED));
    expect(way).toMatchObject({ address: "11.0.0.7", host: "tide.example", secure: undefined });
  });

  it.each(["10.0.0.7", "::ffff:10.0.0.7"])("[PROXY-1] is what a trusted proxy at %s says", (address) => {
    const way = new TrustedProxies(["10.0.0.0/8"]).wayOf(at(address, FORWARDED));
    // The sender wrote 6.6.6.6 itself.
    expect(way).toEqual({ address: "203.0.113.9", host: "live.example", secure: true, isForwarded: true });
  });

  it("[PROXY-1] keeps what a trusted proxy does not say", () => {
    const way = new TrustedProxies(["::1"]).wayOf(at("::1", { "x-forwarded-for": "2001:db8::5" }));
    expect(way).toEqual({ address: "2001:db8::5", host: "tide.example", secure: undefined, isForwarded: true });
  });

  it("[PROXY-1] is known to be secure over TLS of our own", () => {
    expect(new TrustedProxies().wayOf(at("203.0.113.9", {}, true)).secure).toBe(true);
  });

  it.each(["", "ten", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/8/8", "fe80::/129", "proxy.example"])(
    "refuses %j as a network, and names it",
    (network) => {
      expect(() => new TrustedProxies(["10.0.0.7", network])).toThrow(JSON.stringify(network));
    },
  );
});

describe("pages", () => {
  const rules = (trusted: readonly string[] = [], loopbackNamesOnly = false) => ({
    origins: ["https://friend.example"],
    loopbackNamesOnly,
    proxies: new TrustedProxies(trusted),
  });
  const page = (origin: string, arrival: Arrival): Arrival => ({
    ...arrival,
    headers: { ...arrival.headers, origin },
  });

  it.each([
    ["https://tide.example", true],
    ["http://tide.example", true],
    ["https://tide.example:444", false],
    ["https://tide.example.evil.example", false],
    ["https://friend.example", true],
    ["http://friend.example", false],
    ["https://friend.example:444", false],
    ["null", false],
    ["https://evil.example", false],
  ])("[S1] [PROXY-2] from %s: %s, in the clear where nobody says more", (origin, allowed) => {
    expect(allowsOrigin(rules(), page(origin, at("203.0.113.9")))).toBe(allowed);
  });

  it("[S1] [PROXY-2] of the same name without TLS do not come where there is TLS", () => {
    const direct = at("203.0.113.9", {}, true);
    expect(allowsOrigin(rules(), page("https://tide.example", direct))).toBe(true);
    expect(allowsOrigin(rules(), page("http://tide.example", direct))).toBe(false);
    const behind = at("10.0.0.7", FORWARDED);
    expect(allowsOrigin(rules(["10.0.0.7"]), page("https://live.example", behind))).toBe(true);
    expect(allowsOrigin(rules(["10.0.0.7"]), page("https://live.example:443", behind))).toBe(true);
    expect(allowsOrigin(rules(["10.0.0.7"]), page("http://live.example", behind))).toBe(false);
    expect(allowsOrigin(rules(["10.0.0.7"]), page("https://tide.example", behind))).toBe(false);
  });

  it("[S1] [PROXY-3] what comes through a tunnel is not from this machine, though the tunnel ends here", () => {
    const here = { host: "localhost:8787" };
    expect(isFromHere(rules([], true), at("127.0.0.1", here))).toBe(true);
    expect(isFromHere(rules([], true), at("127.0.0.1", { ...here, "x-forwarded-for": "203.0.113.9" }))).toBe(false);
    expect(isFromHere(rules([], true), at("127.0.0.1", { ...here, forwarded: "for=203.0.113.9" }))).toBe(false);
    expect(isFromHere(rules(["127.0.0.1"], true), at("127.0.0.1", { ...here, "x-forwarded-for": "127.0.0.1" }))).toBe(
      false,
    );
    expect(isFromHere(rules([], true), at("127.0.0.1", { host: "bent.example" }))).toBe(false);
    expect(isFromHere(rules([], true), at("203.0.113.9", here))).toBe(false);
  });
});
