import type { SecureContext } from "node:tls";
import type { CertificateMaterial } from "../../config/tls-material.ts";
import { contextOptions, serverContext, type ContextSettings } from "./server-context.ts";

/** A certificate ready to be shown; its context is made when it is first needed. */
export class ServerCertificate {
  readonly names: readonly string[];
  /** DER of a response of OCSP, to go with the certificate. */
  ocsp: Uint8Array | null;
  /** Whether clients are asked for a certificate. */
  readonly asksClient: boolean;
  readonly #chain: string;
  readonly #key: string;
  readonly #settings: ContextSettings;
  #context: SecureContext | undefined;

  constructor(certificate: Pick<CertificateMaterial, "names" | "ocsp" | "chain" | "key">, settings: ContextSettings) {
    this.names = certificate.names;
    this.ocsp = certificate.ocsp;
    this.asksClient = settings.authorities !== null;
    this.#chain = certificate.chain;
    this.#key = certificate.key;
    this.#settings = settings;
  }

  /** For handshakes on handles. Throws when OpenSSL does not take the certificate or the key. */
  get context(): SecureContext {
    return (this.#context ??= serverContext(this.#chain, this.#key, this.#settings));
  }

  /** For servers of node:tls. */
  get options(): ReturnType<typeof contextOptions> {
    return contextOptions(this.#chain, this.#key, this.#settings);
  }
}
