// What a connection that is over means: the reason an application is told when the server will not have it back.
import { CLOSE, type ErrorCode } from "@tidemark/protocol";

/** The reason for a close code that forbids coming back and came without an `err`. */
export function faultOf(closeCode: number): ErrorCode {
  switch (closeCode) {
    case CLOSE.tooLarge:
      return "too_large";
    case CLOSE.unsupportedVersion:
      return "unsupported_version";
    case CLOSE.identityChanged:
      return "identity_changed";
    case CLOSE.revoked:
      return "revoked";
    case CLOSE.denied:
      return "denied";
    default:
      return "protocol_error";
  }
}
