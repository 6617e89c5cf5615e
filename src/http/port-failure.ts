// What an operator is told when a port cannot be had.
import { OperatorError } from "@tidemark/protocol";

/** The error as OperatorError `port_in_use`, if it is that; else as it is. */
export function portFailure(error: unknown, { host, port }: { readonly host: string; readonly port: number }): unknown {
  if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) return error;
  return new OperatorError(
    "port_in_use",
    `port ${port} on ${host} is in use`,
    "Stop the other program, or choose a free port with --port.",
  );
}
