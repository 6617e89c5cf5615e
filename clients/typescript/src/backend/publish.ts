// Publishing on channels: one message by a call of its own, several in one batch.
import { type AnyApp, CHANNEL_TYPE, isKey, type Json, PUBLISH, TidemarkError } from "@tidemark/protocol";
import type { Receipt } from "../api/call.js";
import type { Publication, ServerClient, Waiting } from "../api/server-client.js";
import { judgedBatch, receiptsIn } from "./batch.js";
import { receiptIn } from "./receipt.js";
import { posting, type Requests } from "./requests.js";
import { messagePath } from "./service-url.js";

/** `publish` in both of its forms. */
export function publisher(requests: Requests): ServerClient<AnyApp>["publish"] {
  function publish(channel: string, event: string, data: Json, options?: Waiting): Promise<Receipt>;
  function publish(batch: readonly Publication[], options?: Waiting): Promise<readonly Receipt[]>;
  async function publish(
    where: string | readonly Publication[],
    event?: string | Waiting,
    data?: Json,
    options?: Waiting,
  ): Promise<Receipt | readonly Receipt[]> {
    if (typeof where !== "string") return several(where, typeof event === "object" ? event : undefined);
    const path = messagePath(CHANNEL_TYPE, where, PUBLISH);
    return receiptIn(await requests.ask(posting(path, { event, data: data ?? null }, options)), 1);
  }

  async function several(batch: readonly Publication[], options: Waiting | undefined): Promise<readonly Receipt[]> {
    if (batch.length === 0) return [];
    const calls = batch.map(({ channel, event, data }) => {
      if (!isKey(channel)) throw new TidemarkError("invalid_key");
      return { doc: `${CHANNEL_TYPE}/${channel}`, name: PUBLISH, input: { event, data: data ?? null } };
    });
    return receiptsIn(await requests.ask({ ...posting("/v1/batch", { calls }, options), judge: judgedBatch }));
  }

  return publish;
}
