// What an owner and the process of one of its edges tell each other beside their link: how it is set up, whether it listens,
// when its certificate is to be read again.
import type { OperatorErrorCode } from "@tidemark/protocol";
import type { EdgeSettings } from "./cluster/edge-sessions.js";
import type { CertificateFiles } from "./http/certificate.js";
import type { LOG_LEVELS } from "./observability/logger.js";

/** How an edge is set up. Plain data. */
export interface EdgeOrders {
  readonly settings: EdgeSettings;
  readonly host: string;
  /** The one port of all edges; never 0. */
  readonly port: number;
  /** The owner's own address: a socket of this machine. */
  readonly ownerPath: string;
  readonly origins: readonly string[];
  readonly trustProxy: readonly string[];
  readonly tls?: CertificateFiles | undefined;
  readonly log: (typeof LOG_LEVELS)[number];
}

/** To an edge. `door`: whether it takes connections. */
export type ToEdgeProcess =
  | { readonly kind: "start"; readonly orders: EdgeOrders }
  | { readonly kind: "door"; readonly isOpen: boolean }
  | { readonly kind: "reload" };

/** From an edge. `ready`: it hears orders. */
export type FromEdgeProcess =
  | { readonly kind: "ready" }
  | { readonly kind: "listening" }
  | { readonly kind: "failed"; readonly code: OperatorErrorCode; readonly message: string; readonly hint: string };

/** Where an edge's process has its link. */
export const LINK_FD = 4;

const isKind = (message: unknown, kinds: readonly string[]): boolean =>
  typeof message === "object" &&
  message !== null &&
  "kind" in message &&
  typeof message.kind === "string" &&
  kinds.includes(message.kind);

/** Others send messages over the same way, too. */
export const isToEdge = (message: unknown): message is ToEdgeProcess => isKind(message, ["start", "door", "reload"]);
export const isFromEdge = (message: unknown): message is FromEdgeProcess =>
  isKind(message, ["ready", "listening", "failed"]);
