// A page that follows one counter and keeps a record of what it saw and when, by its own clock.
import { connect, type OpenDocument, type Tide } from "@tidemark/client";
import type { app } from "../apps/counter.js";

/** What became of the page, with times of its own clock. */
export interface PageRecord {
  readonly statuses: { readonly status: string; readonly atMs: number }[];
  readonly seqs: number[];
}

/** What a test asks a page for. */
export interface FollowerPage {
  readonly tide: Tide<typeof app>;
  readonly record: PageRecord;
  readonly counter: OpenDocument<typeof app, "counter">;
}

declare global {
  var follower: FollowerPage;
}

const tide = connect<typeof app>({ url: location.origin, token: "user:page" });
const counter = tide.open("counter", "c");
const record: PageRecord = { statuses: [], seqs: [] };
counter.onStatus((status) => record.statuses.push({ status, atMs: Date.now() }));
counter.on("added", (_, { seq }) => record.seqs.push(seq));
globalThis.follower = { record, counter, tide };
