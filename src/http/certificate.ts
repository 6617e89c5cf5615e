// The certificate that a server shows: read from its files, refused with a reason when no client would accept it, and read
// again while it is served. It opens no connections; those that are open are not touched.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { OperatorError } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";

/** Files in PEM. */
export interface CertificateFiles {
  /** The certificate, then those that vouch for it. */
  readonly cert: string;
  /** Its private key, without a passphrase. */
  readonly key: string;
}

/** What is in them. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** RFC 8996 retires what is older. */
export const MIN_TLS_VERSION = "TLSv1.2" as const;
const LOOK_AGAIN_MS = 2_000;
const LOOKS_BEFORE_TOLD = 2;

/** Reads and checks them. Rejects with OperatorError `tls_invalid` that says what is wrong with which file. */
export async function loadCertificate(files: CertificateFiles, runtime: Runtime): Promise<Certificate> {
  const certificate = await readBoth(files);
  check(certificate, files, runtime.now());
  return certificate;
}

async function readBoth({ cert, key }: CertificateFiles): Promise<Certificate> {
  const [certText, keyText] = await Promise.all([textOf("certificate", cert), textOf("key", key)]);
  return { cert: certText, key: keyText };
}

async function textOf(what: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    throw invalid(
      `the ${what} ${file} cannot be read${code}`,
      "Give the name of a file in PEM that this user may read.",
      {
        cause: error,
      },
    );
  }
}

function check({ cert, key }: Certificate, files: CertificateFiles, nowMs: number): void {
  const certificate = attempt(
    () => new X509Certificate(cert),
    () => invalid(`${files.cert} holds no certificate`, "It must begin with -----BEGIN CERTIFICATE-----."),
  );
  const privateKey = attempt(
    () => createPrivateKey(key),
    () => invalid(`${files.key} holds no usable private key`, "It must be a private key in PEM, without a passphrase."),
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw invalid(`${files.key} is not the key of ${files.cert}`, "Give the two files that were made together.");
  }
  // Whatever OpenSSL refuses besides: chains in disorder, keys that are too weak.
  attempt(
    () => createSecureContext({ cert, key, minVersion: MIN_TLS_VERSION }),
    (error) => invalid(`${files.cert} cannot be served: ${messageOf(error)}`, "Have it issued again."),
  );
  requireCurrent(certificate, files.cert, nowMs);
}

function requireCurrent({ validFrom, validTo }: X509Certificate, file: string, nowMs: number): void {
  if (Date.parse(validTo) <= nowMs) {
    throw invalid(`the certificate ${file} expired on ${validTo}`, "No browser accepts it: have it renewed.");
  }
  if (Date.parse(validFrom) > nowMs) {
    throw invalid(
      `the certificate ${file} is not valid before ${validFrom}`,
      "Check the clock of this machine, or wait.",
    );
  }
}

function attempt<Value>(make: () => Value, failure: (error: unknown) => OperatorError): Value {
  try {
    return make();
  } catch (error) {
    throw failure(error);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const invalid = (message: string, hint: string, options?: ErrorOptions): OperatorError =>
  new OperatorError("tls_invalid", message, hint, options);

/** What a reload works on. */
export interface ReloadParts {
  readonly files: CertificateFiles;
  /** What is shown now. */
  readonly shown: Certificate;
  readonly runtime: Runtime;
  /** Shows new clients another one. */
  readonly show: (certificate: Certificate) => void;
  /** The files hold something else that cannot be shown: the old one stays. Told once. */
  readonly onFailed: (error: unknown) => void;
}

/** Shows what the files hold whenever they hold something else. */
export class CertificateReload {
  readonly #parts: ReloadParts;
  #shown: Certificate;
  #failure: { readonly message: string; readonly looks: number } | undefined = undefined;
  #cancel: CancelTimer | undefined = undefined;
  #stopped = false;

  /** Looks at the files from time to time, until it is stopped. */
  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#shown = parts.shown;
    this.#lookLater();
  }

  /** Looks now. Never rejects. */
  async look(): Promise<void> {
    const { files, runtime, show } = this.#parts;
    try {
      const found = await readBoth(files);
      if (this.#stopped) return;
      if (found.cert !== this.#shown.cert || found.key !== this.#shown.key) {
        check(found, files, runtime.now());
        show(found);
        this.#shown = found;
      }
      this.#failure = undefined;
    } catch (error) {
      this.#note(error);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #lookLater(): void {
    this.#cancel = this.#parts.runtime.setTimer(LOOK_AGAIN_MS, () => {
      const again = (): void => {
        if (!this.#stopped) this.#lookLater();
      };
      this.look().then(again, again);
    });
  }

  /** Two files are not replaced at one moment: what is wrong at one look only was never wrong. */
  #note(error: unknown): void {
    const message = messageOf(error);
    const looks = this.#failure?.message === message ? this.#failure.looks + 1 : 1;
    this.#failure = { message, looks };
    if (looks === LOOKS_BEFORE_TOLD) this.#parts.onFailed(error);
  }
}
