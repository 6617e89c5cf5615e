// Which peers the load can speak to.
import type { MakeSpeaker, PeerAt, Speaker } from "./speaker.js";
import { aedes } from "./speakers/aedes.js";
import { broadcast } from "./speakers/broadcast.js";
import { colyseus } from "./speakers/colyseus.js";
import { deepstream } from "./speakers/deepstream.js";
import { hocuspocus } from "./speakers/hocuspocus.js";
import { logux } from "./speakers/logux.js";
import { sharedb } from "./speakers/sharedb.js";
import { socketio } from "./speakers/socketio.js";
import { tldraw } from "./speakers/tldraw.js";

const SPEAKERS = { aedes, broadcast, colyseus, deepstream, hocuspocus, logux, sharedb, socketio, tldraw } satisfies {
  readonly [name: string]: MakeSpeaker;
};

/** What the load can be told to speak. */
export type SpeakerName = keyof typeof SPEAKERS;

export function isSpeakerName(name: string): name is SpeakerName {
  return Object.hasOwn(SPEAKERS, name);
}

export async function speakerNamed(name: string, at: PeerAt): Promise<Speaker> {
  if (!isSpeakerName(name)) throw new Error(`no peer is called ${name}: ${Object.keys(SPEAKERS).join(", ")}`);
  return SPEAKERS[name](at);
}
