// The words of Colyseus 0.17: a seat is asked for over HTTP, then messages are a code, a name and a value in MessagePack.
import { request } from "node:http";
import { NUMBER_AT } from "../document.js";
import type { MakeSpeaker, Place } from "../speaker.js";

const CODE = { joinRoom: 10, joinError: 11, roomData: 13 } as const;

interface Seat {
  readonly processId: string;
  readonly roomId: string;
  readonly sessionId: string;
}

/** Takes a seat in the room of a document. */
function takeSeat(port: number, document: number): Promise<Seat> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const options = { port, host: "127.0.0.1", method: "POST", path: "/matchmake/joinOrCreate/sheet", headers };
    const asked = request(options, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += String(chunk);
      });
      response.on("end", () => {
        const seat: Seat = JSON.parse(text);
        if (seat.sessionId === undefined) reject(new Error(text));
        else resolve(seat);
      });
    });
    asked.on("error", reject);
    asked.end(JSON.stringify({ document }));
  });
}

/** A short text in MessagePack. */
function packed(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(bytes.length < 32 ? [0xa0 | bytes.length] : [0xd9, bytes.length]), bytes]);
}

const message = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([CODE.roomData]), packed(name), packed(value)]);
const ACK = packed("ack");
const WELCOME = packed("welcome");
const begins = (said: Buffer, name: Buffer): boolean => said.subarray(1, 1 + name.length).equals(name);

export const colyseus: MakeSpeaker = ({ port }) => ({
  async path({ document }: Place) {
    const { processId, roomId, sessionId } = await takeSeat(port, document);
    return `/${processId}/${roomId}?sessionId=${sessionId}`;
  },
  talk(_place, line) {
    return {
      hear(said) {
        const [code] = said;
        if (code === CODE.joinError) line.fail("no seat");
        else if (code === CODE.joinRoom) {
          line.send(Buffer.from([CODE.joinRoom]));
          line.send(message("hello", ""));
        } else if (code !== CODE.roomData) return;
        else if (begins(said, WELCOME)) line.ready();
        else if (begins(said, ACK)) {
          const text = said.indexOf("<!");
          line.acked(Number(said.toString("latin1", text + NUMBER_AT.from, text + NUMBER_AT.to)));
        }
      },
      change: (_n, text) => line.send(message("change", text)),
    };
  },
});
