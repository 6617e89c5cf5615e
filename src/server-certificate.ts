// A served certificate from the first reading of its files to the last look at them: the part of the composition root that
// is about TLS.

import type { Server } from "node:http";
import { type Certificate, type CertificateFiles, CertificateReload, loadCertificate } from "./http/certificate.js";
import { showCertificate } from "./http/http-server.js";
import type { Logger } from "./observability/logger.js";
import type { Runtime } from "./runtime/runtime.js";

/** Undefined: no TLS. Rejects with OperatorError `tls_invalid`. */
export async function certificateOf(
  files: CertificateFiles | undefined,
  runtime: Runtime,
): Promise<Certificate | undefined> {
  return files === undefined ? undefined : loadCertificate(files, runtime);
}

/** Keeps looking at the files of what is shown now. Undefined: there is nothing to look at. */
export function keepCertificate(
  { tls: files, runtime, logger }: { tls?: CertificateFiles | undefined; runtime: Runtime; logger: Logger },
  shown: Certificate | undefined,
  server: Server,
): CertificateReload | undefined {
  if (files === undefined || shown === undefined) return undefined;
  return new CertificateReload({
    files,
    shown,
    runtime,
    show(certificate) {
      showCertificate(server, certificate);
      logger.info({ file: files.cert }, "new clients are shown a new certificate");
    },
    onFailed: (error) => logger.error({ err: error }, "the new certificate cannot be used, the old one stays"),
  });
}
