// How a process is reached: its port, its own address, and whom it believes about where requests are from.
import type { Server } from "node:http";
import { isIPv6 } from "node:net";
import { OperatorError } from "@tidemark/protocol";
import { TrustedProxies } from "./session/proxies.js";

/** What listens. */
interface Listening {
  readonly server: Pick<Server, "address">;
  listen(at: { readonly host: string; readonly port: number }): Promise<string>;
  close(): Promise<void>;
}

/** Rejects with OperatorError `port_in_use`. */
export async function listenOn(http: Listening, at: { readonly host: string; readonly port: number }): Promise<void> {
  try {
    await http.listen({ host: at.host, port: at.port });
  } catch (error) {
    await http.close();
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    throw new OperatorError(
      "port_in_use",
      `port ${at.port} on ${at.host} is in use`,
      "Stop the other program, or choose a free port with --port.",
    );
  }
}

/** Throws OperatorError `unsafe_settings` for what is no address and no network. */
export function proxiesOf(networks: readonly string[] | undefined): TrustedProxies {
  try {
    return new TrustedProxies(networks);
  } catch (error) {
    const hint = "Give addresses or networks with commas, e.g. --trust-proxy 10.0.0.7,192.168.0.0/16.";
    throw new OperatorError("unsafe_settings", error instanceof Error ? error.message : String(error), hint);
  }
}

/** `http://host:port`, or `https://`. */
export function addressOf(
  { server }: Listening,
  { host, secure }: { readonly host: string; readonly secure: boolean },
): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `${secure ? "https" : "http"}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
