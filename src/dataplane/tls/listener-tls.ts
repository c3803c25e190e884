import type { CertificateMaterial, TlsMaterial } from "../../config/tls-material.ts";
import type { ListenerTlsConfig } from "../../config/tls-schema.ts";
import type { ClientHello } from "../../tls/client-hello.ts";
import { CertificateIndex, type Candidates } from "./certificate-index.ts";
import { chooseByKey } from "./key-choice.ts";
import { OnDemand } from "./on-demand.ts";
import { ServerCertificate } from "./server-certificate.ts";
import type { ContextSettings } from "./server-context.ts";
import { TicketKeys } from "./ticket-keys.ts";

/** The only protocol in ALPN of an authority that checks who controls a name (RFC 8737 3). */
export const ACME_PROTOCOL = "acme-tls/1";

/** What of a listener's configuration matters to TLS. */
export interface ListenerTlsOptions {
  readonly listener: string;
  readonly config: ListenerTlsConfig;
}

/**
 * A listener's certificates in one worker: chooses one for a ClientHello. Contexts are made when they are first needed,
 * and kept over changes of the material for as long as their certificate and all that is around it stay the same.
 * Connections that are there keep what they have.
 */
export class ListenerTls {
  readonly onDemand: OnDemand;
  #material: TlsMaterial | null = null;
  #options: ListenerTlsOptions;
  #index = new CertificateIndex([], "");
  #settings!: ContextSettings;
  /** What the contexts were made for, besides their certificates. */
  #settingsKey = "";
  #certificates = new Map<string, ServerCertificate>();
  readonly #tickets = new TicketKeys();

  /** @param ask asks the control plane for a certificate for a name */
  constructor(options: ListenerTlsOptions, material: TlsMaterial, ask: (name: string) => void) {
    this.#options = options;
    this.onDemand = new OnDemand(ask);
    this.update(options, material);
  }

  get config(): ListenerTlsConfig {
    return this.#options.config;
  }

  /** Takes a changed configuration or changed material into use, for handshakes from now on. */
  update(options: ListenerTlsOptions, material: TlsMaterial): void {
    if (options === this.#options && material === this.#material) return;
    const { listener, config } = options;
    const authorities =
      config.clientCertificates === undefined ? null : (own(material.clientAuthorities, listener) ?? NOBODY);
    this.#options = options;
    this.#material = material;
    this.#tickets.set(config.sessionTickets === false ? [] : (own(material.ticketKeys, listener) ?? []));
    const rotation = config.sessionTickets === false ? 0 : config.sessionTickets.rotation;
    const key = JSON.stringify([
      listener,
      config.minVersion,
      config.ciphers,
      authorities,
      rotation,
      this.#tickets.length > 0,
    ]);
    const before = key === this.#settingsKey ? this.#certificates : new Map<string, ServerCertificate>();
    this.#settingsKey = key;
    this.#settings = {
      listener,
      minVersion: config.minVersion,
      ciphers: config.ciphers,
      authorities,
      ticketLife: 2 * rotation,
      tickets: this.#tickets,
    };
    this.#index = new CertificateIndex(material.certificates, listener);
    this.#certificates = new Map();
    for (const certificate of material.certificates) {
      const known = before.get(certificate.fingerprint);
      // A response of OCSP comes and goes without a change of the certificate.
      if (known !== undefined) known.ocsp = certificate.ocsp;
      if (known !== undefined) this.#certificates.set(certificate.fingerprint, known);
    }
    this.onDemand.set(own(material.onDemand, listener) ?? []);
    this.onDemand.materialChanged();
  }

  /** No handshake can succeed. */
  get hasNone(): boolean {
    return this.#index.isEmpty;
  }

  /** The certificate for exactly the name that a client asks for. */
  byName(hello: ClientHello): ServerCertificate | null {
    return hello.serverName === "" ? null : this.#ready(this.#index.find(hello.serverName), hello);
  }

  /** The certificate for all others; null where there is none, or names have to match. */
  byDefault(hello: ClientHello): ServerCertificate | null {
    return this.config.strictSni ? null : this.#ready(this.#index.byDefault, hello);
  }

  /** The response of OCSP that goes with a certificate here. */
  stapled({ ocsp }: ServerCertificate): Uint8Array | null {
    return this.config.ocspStapling ? ocsp : null;
  }

  /** The certificate that answers an ACME authority's tls-alpn-01 challenge. */
  challenge(name: string): ServerCertificate | null {
    const found = this.#material === null ? undefined : own(this.#material.alpnChallenges, name);
    if (found === undefined) return null;
    return new ServerCertificate(
      { ...found, names: [name], ocsp: null },
      { ...this.#settings, authorities: null, tickets: new TicketKeys() },
    );
  }

  #ready(candidates: Candidates | null | undefined, hello: ClientHello): ServerCertificate | null {
    if (candidates === null || candidates === undefined) return null;
    const chosen: CertificateMaterial = chooseByKey(candidates, hello);
    let certificate = this.#certificates.get(chosen.fingerprint);
    if (certificate === undefined) {
      certificate = new ServerCertificate(chosen, this.#settings);
      this.#certificates.set(chosen.fingerprint, certificate);
    }
    return certificate;
  }
}

/** Client certificates are asked for, and nobody is known who may issue them: none is good. */
const NOBODY = { ca: [], crl: [] };

/** A name may be that of a member which every object has. */
function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
