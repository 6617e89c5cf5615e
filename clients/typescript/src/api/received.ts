// The type of data as it comes to an application.
import type { DeepReadonly, Json } from "@tidemark/protocol";

/** Nothing in it can be assigned. Any JSON is that already. */
export type Received<Data> = [Json] extends [Data] ? Data : DeepReadonly<Data>;
