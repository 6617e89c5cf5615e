// The one way in: a client on the platform that this code runs on, chosen by the package's import conditions.
import type { AnyApp, App } from "@tidemark/protocol";
import { platform } from "#platform";
import type { ConnectOptions, Tide } from "./api/tide.js";
import { createClient } from "./client.js";

/**
 * Connects a client: `connect<typeof app>({ url, token })`, with `app` imported by `import type`. The socket is made
 * when something is first opened or sent. Throws TypeError for a `url` that is none.
 */
export function connect<A extends AnyApp = App>(options: ConnectOptions): Tide<A> {
  return createClient<A>(options, platform);
}
