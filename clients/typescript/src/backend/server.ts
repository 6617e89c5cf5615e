// The one way in for backends: a client on the world that this code runs in.
import type { AnyApp, App } from "@tidemark/protocol";
import type { ServerClient, ServerOptions } from "../api/server-client.js";
import { backendPlatform } from "../platform/request.js";
import { createServerClient } from "./server-client.js";

/**
 * Connects a backend: `server<typeof app>({ url, key })`, with `app` imported by `import type`. Nothing is sent until
 * something is asked. Throws TypeError for a `url` or `key` that is none.
 */
export function server<A extends AnyApp = App>(options: ServerOptions): ServerClient<A> {
  return createServerClient<A>(options, backendPlatform);
}
