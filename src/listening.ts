// How a process is reached: its port, its own address, and whom it believes about where requests are from.
import type { Server } from "node:http";
import { createServer, isIPv6 } from "node:net";
import { LIMITS, OperatorError } from "@tidemark/protocol";
import { portFailure } from "./http/port-failure.js";
import { TrustedProxies } from "./session/proxies.js";

/** What listens. */
interface Listening {
  readonly server: Pick<Server, "address">;
  listen(at: PortAt & { readonly backlog: number }): Promise<string>;
  close(): Promise<void>;
}

/** A port, and the address it is on. */
export interface PortAt {
  readonly host: string;
  readonly port: number;
}

/** Rejects with OperatorError `port_in_use`. */
export async function listenOn(http: Listening, at: PortAt): Promise<void> {
  try {
    await http.listen({ host: at.host, port: at.port, backlog: LIMITS.acceptBacklog });
  } catch (error) {
    await http.close();
    throw portFailure(error, at);
  }
}

/** Throws OperatorError `unsafe_settings` for what is no address and no network. */
export function proxiesOf(
  networks: readonly string[] | undefined,
  options: { readonly ownEdges?: boolean } = {},
): TrustedProxies {
  try {
    return new TrustedProxies(networks, options);
  } catch (error) {
    const hint = "Give addresses or networks with commas, e.g. --trust-proxy 10.0.0.7,192.168.0.0/16.";
    throw new OperatorError("unsafe_settings", error instanceof Error ? error.message : String(error), hint);
  }
}

/** The port itself, or a free one for 0. Nobody listens there yet. Rejects with OperatorError `port_in_use`. */
export async function freePort({ host, port }: PortAt): Promise<number> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once("error", reject);
      probe.listen({ host, port }, resolve);
    });
    return portOf(probe);
  } catch (error) {
    throw portFailure(error, { host, port });
  } finally {
    probe.close();
  }
}

/** Where it is reached that listens. */
export const addressOf = (
  { server }: Pick<Listening, "server">,
  { host, secure }: { readonly host: string; readonly secure: boolean },
): string => urlOf({ host, port: portOf(server), secure });

/** `http://host:port`, or `https://`. */
export const urlOf = ({ host, port, secure }: PortAt & { readonly secure: boolean }): string =>
  `${secure ? "https" : "http"}://${isIPv6(host) ? `[${host}]` : host}:${port}`;

function portOf(server: Pick<Server, "address">): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
