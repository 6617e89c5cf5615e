// Readers of one document through the client library, by any of its transports and codecs.
import { connect } from "@tidemark/client";
import type { Json } from "@tidemark/protocol";
import { Middlebox } from "../support/middlebox.js";
import type { app } from "./app.js";
import { type Read, type Reader, Sight } from "./reader.js";

/** How a client gets through. */
export interface Way {
  readonly codec?: "json" | "msgpack";
  readonly transport?: "websocket" | "http";
  /** Responses come as a whole only, so that it polls. */
  readonly holdsBack?: boolean;
}

/** Follows with the library; what it is cut by is a middlebox of its own. */
export async function clientReader({ url, token, doc }: Read, { holdsBack = false, ...way }: Way): Promise<Reader> {
  const sight = new Sight();
  const box = await Middlebox.listen(() => url);
  box.holdsBack = holdsBack;
  const [type = "page", key = ""] = doc.split("/");
  const tide = connect<typeof app>({ url: box.url, token, ...way });
  const document = tide.open(type as "page" | "book", key);
  document.on("said", (data, { seq }) => sight.event(seq, "said", data));
  document.on("gap", ({ from }) => sight.problems.push(`a gap before ${from}`));
  document.subscribe((state, { at }) => sight.state(at.seq, state as Json));
  const looking = document.onStatus(() => sight.at(document.position?.seq ?? 0));
  return {
    sight,
    cut: () => box.cut(),
    close: () => {
      looking();
      tide.close();
      void box.close();
    },
  };
}
