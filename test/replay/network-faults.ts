// What the network between subscribers, writers and the server does besides being cut. Connections stay open and mean
// nothing, so that only heartbeats can tell.
import type { TcpProxy } from "../support/tcp-proxy.js";

/** One way to be unwell; it lasts until the proxy is released. */
export interface NetworkFault {
  readonly name: string;
  readonly begin: (proxy: TcpProxy) => void;
  /** Calls still get through or fail by themselves: writers, whose acknowledgements are the clock of a run, survive it. */
  readonly passes: boolean;
}

/** Each kind once. */
export const NETWORK_FAULTS: readonly NetworkFault[] = [
  { name: "late bytes", begin: (proxy) => proxy.delayBy(20), passes: true },
  { name: "nothing comes out", begin: (proxy) => proxy.swallow("down"), passes: false },
  { name: "the server's side is gone", begin: (proxy) => proxy.forgetServer(), passes: true },
  { name: "nothing goes in", begin: (proxy) => proxy.swallow("up"), passes: false },
  {
    name: "nothing passes and the server's side is gone",
    begin: (proxy) => {
      proxy.swallow("up", "down");
      proxy.forgetServer();
    },
    passes: false,
  },
];
