// Streams that must not be: states that never were, events lost or told twice, secrets shown, and followers who are not
// where they say they are.
import type { Corruption } from "./corruption.js";
import { first, seenOf, withMember } from "./draft.js";

const isTable = ({ documentId }: { readonly documentId: string }): boolean => documentId.startsWith("table/");

/** Corruptions of what followers saw. */
export const FOLLOWER_CORRUPTIONS: readonly Corruption[] = [
  {
    name: "a follower's state was altered",
    rule: "R4",
    corrupt: (history) => {
      const { seen, index, item } = first(seenOf(history, "state").slice(-1), "state");
      seen[index] = { ...item, state: withMember(item.state, "last", "nobody") };
    },
  },
  {
    name: "a follower is at a position that no log has",
    rule: "R3",
    corrupt: (history) => {
      const { seen, index, item } = first(seenOf(history, "state").slice(-1), "state");
      seen[index] = { ...item, epoch: item.epoch + 1 };
    },
  },
  {
    name: "a delta came again",
    rule: "R3",
    corrupt: (history) => {
      const deltas = seenOf(history, "state").filter(({ item }) => item.cause === "delta");
      const { seen, index, item } = first(deltas, "delta");
      seen.splice(index, 0, item);
    },
  },
  {
    name: "a state came from nowhere",
    rule: "R3",
    corrupt: (history) => {
      const { seen, index, item } = first(seenOf(history, "state"), "state");
      seen[index] = { ...item, cause: "delta" };
    },
  },
  {
    name: "a follower found itself wrong, and nothing was lost",
    rule: "R3",
    corrupt: (history) => {
      const trusting = seenOf(history, "state").filter(({ client }) => !client.mayDiverge);
      const { seen, item } = first(trusting.slice(-1), "state of a client that never doubted");
      seen.push({ ...item, cause: "reset", reason: "diverged" });
    },
  },
  {
    name: "an event was missed",
    rule: "EVENT-1",
    corrupt: (history) => {
      const { seen, index } = first(seenOf(history, "event"), "event");
      seen.splice(index, 1);
    },
  },
  {
    name: "an event came twice",
    rule: "EVENT-1",
    corrupt: (history) => {
      const { seen, index, item } = first(seenOf(history, "event"), "event");
      seen.splice(index, 0, item);
    },
  },
  {
    name: "events came in another order",
    rule: "EVENT-1",
    corrupt: (history) => {
      const events = seenOf(history, "event");
      const two = events.filter(({ seen, item }) =>
        seen.some((other) => other.kind === "event" && other.seq > item.seq),
      );
      const { seen, index } = first(two, "two events of one document");
      const [event] = seen.splice(index, 1);
      const last = seen.findLastIndex(({ kind }) => kind === "event");
      if (event !== undefined) seen.splice(last + 1, 0, event);
    },
  },
  {
    name: "a follower was shown what is another team's",
    rule: "R18",
    corrupt: (history) => {
      const { client } = first(seenOf(history, "state").filter(isTable), "state of a table");
      client.teams.splice(0, client.teams.length, "nobody's");
    },
  },
  {
    name: "somebody was shown what they may not see",
    rule: "R18",
    corrupt: (history) => {
      const vaults = seenOf(history, "state").filter(({ documentId }) => documentId.startsWith("vault/"));
      const { seen, index, item, client } = first(
        vaults.filter(({ client: { subject } }) => subject !== "ann"),
        "vault that was shown to a member",
      );
      seen[index] = { ...item, state: withMember(item.state, "members", { [client.subject]: false }) };
    },
  },
  {
    name: "a follower stands at the head with another state",
    rule: "R20",
    corrupt: ({ standings }) => {
      const standing = first(standings, "follower");
      standing.state = withMember(standing.state, "last", "nobody");
    },
  },
  {
    name: "a follower says that it is live, and stands behind the head",
    rule: "R20",
    corrupt: ({ standings }) => {
      first(standings, "follower").seq -= 1;
    },
  },
  {
    name: "a follower never came back",
    rule: "R20",
    corrupt: ({ standings }) => {
      first(standings, "follower").status = "stale";
    },
  },
  {
    name: "a follower is denied what it may see",
    rule: "R20",
    corrupt: ({ standings }) => {
      first(standings, "follower").status = "denied";
    },
  },
  {
    name: "a client said that it was live when others knew better",
    rule: "R13",
    corrupt: ({ sightings, revealedAtMs }) => {
      const behind = sightings.filter(
        ({ documentId, seq }) => seq > 2 && (revealedAtMs.get(documentId)?.length ?? 0) >= seq,
      );
      const sighting = first(behind.slice(-1), "client that is live");
      sighting.seq = 1;
    },
  },
];
