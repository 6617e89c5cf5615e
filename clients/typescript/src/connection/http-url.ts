// The addresses of what stands in for the socket, and nothing else.

/** The address of a path on the host that this socket is at. */
export function httpUrl(socket: URL, path: string): string {
  const address = new URL(path, socket);
  address.protocol = socket.protocol === "wss:" ? "https:" : "http:";
  return address.href;
}
