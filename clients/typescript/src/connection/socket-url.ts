// The address of the socket, and nothing else.
import { SOCKET_PATH } from "@tidemark/protocol";

/** The socket's address for what an application calls the service: `https://host` or `wss://host`. Throws TypeError. */
export function socketUrl(url: string): URL {
  const address = new URL(SOCKET_PATH, url);
  if (address.protocol === "https:") address.protocol = "wss:";
  if (address.protocol === "http:") address.protocol = "ws:";
  return address;
}
