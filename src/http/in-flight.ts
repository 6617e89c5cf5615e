// The requests that are being answered, until their answers have left or their connections are gone. It ends the waiting
// of those whose client is gone, takes the place back of those who do not read what they asked for, and can end it all.
import type { Socket } from "node:net";
import { LIMITS } from "@tidemark/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { Identified } from "../session/identity.js";
import type { Admitted } from "./admission.js";
import type { Exchange } from "./exchange.js";

/** A request that was taken on. */
export interface Answering {
  readonly exchange: Exchange;
  readonly admitted: Admitted;
}

/** One that is being answered. */
export interface Answered extends Answering {
  /** Gives its place back before its answer has left: what goes on is bounded otherwise. */
  leave(): void;
}

/** The requests of a server. */
export class InFlight {
  readonly #runtime: Runtime;
  readonly #byRequest = new Map<FastifyRequest, Answered>();
  /** One listener for each connection, however many requests come on it at once. */
  readonly #bySocket = new WeakMap<Socket, Set<() => void>>();
  #whenIdle: (() => void)[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** How many there are. */
  get size(): number {
    return this.#byRequest.size;
  }

  /** The dealings of a request that was taken on; undefined once it is over. */
  of(request: FastifyRequest): Answered | undefined {
    return this.#byRequest.get(request);
  }

  /** Takes one over, whose connection is there. */
  begin(request: FastifyRequest, reply: FastifyReply, answering: Answering): void {
    const { socket } = request;
    // Its answer has left, or somebody does not read it, which no client may do for ever.
    const stopWatch = this.#runtime.setTimer(LIMITS.deadlineMs + LIMITS.slowReaderMs, () => socket.destroy());
    const over = (): void => this.#end(request, { stopWatch, socket, over });
    this.#byRequest.set(request, { ...answering, leave: over });
    reply.raw.once("close", over);
    // An answer that waits for others on its connection does not hear of that connection's end.
    this.#ofSocket(socket).add(over);
  }

  /** Something was withdrawn: nobody who rests on it is kept waiting for an answer any more. */
  review(isOver: (identity: Identified) => boolean): void {
    for (const { exchange } of this.#byRequest.values()) if (isOver(exchange.identity)) exchange.cut("revoked");
  }

  /** Ends all waiting, and resolves when all answers have left. */
  async drain(): Promise<void> {
    for (const { exchange } of this.#byRequest.values()) exchange.cut("draining");
    if (this.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #ofSocket(socket: Socket): Set<() => void> {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const made = new Set<() => void>();
    this.#bySocket.set(socket, made);
    socket.once("close", () => {
      for (const over of [...made]) over();
    });
    return made;
  }

  #end(
    request: FastifyRequest,
    { stopWatch, socket, over }: { stopWatch: CancelTimer; socket: Socket; over: () => void },
  ): void {
    const answering = this.#byRequest.get(request);
    if (answering === undefined) return;
    this.#byRequest.delete(request);
    this.#bySocket.get(socket)?.delete(over);
    stopWatch();
    answering.exchange.cut("aborted");
    answering.admitted.leave();
    if (this.size === 0) for (const tell of this.#whenIdle.splice(0)) tell();
  }
}
