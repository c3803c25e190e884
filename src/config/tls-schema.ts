import { Type, type Static } from "typebox";
import { duration, Flag, size, strict, stringList, switchable, Text, timeout } from "./fields.ts";

/*
 * TLS and HTTP/2: what a listener shows its clients, and what a pool expects of its servers. Files are named here, never
 * their contents: private keys are read by the control plane and go to the workers past the configuration.
 */

const tlsVersions = ["TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = (typeof tlsVersions)[number];

const MinVersion = Type.Unsafe<TlsVersion>({
  type: "string",
  enum: tlsVersions,
  default: "TLSv1.2",
  description: "oldest version of TLS that is spoken",
});

export const CertificateSchema = Type.Object(
  {
    cert: Type.String({ minLength: 1, description: "PEM file: the certificate, then the intermediate ones" }),
    key: Type.String({ minLength: 1, description: "PEM file with the private key, without a passphrase" }),
    ocsp: Type.Optional(
      Type.String({ minLength: 1, description: "DER file with an OCSP response; fetched from the issuer when absent" }),
    ),
  },
  strict,
);
export type CertificateConfig = Static<typeof CertificateSchema>;

export const ClientCertificatesSchema = Type.Object(
  {
    mode: Type.Unsafe<"require" | "request">({
      type: "string",
      enum: ["require", "request"],
      default: "require",
      description:
        "require: no connection without a valid one; request: asked for, and refused only when it is invalid",
    }),
    ca: stringList("PEM files: who may have issued them", { minItems: 1 }),
    crl: stringList("PEM files: lists of revoked ones", { default: [] }),
    forward: Flag(true, "send X-Client-Cert-* to the servers; what clients send under these names is always removed"),
  },
  strict,
);
export type ClientCertificatesConfig = Static<typeof ClientCertificatesSchema>;

/** A year: no authority issues certificates for longer than that. */
const MAX_RENEW_BEFORE = 366 * 86_400_000;

export const AcmeSchema = Type.Object(
  {
    domains: stringList("names that certificates are ordered for: one certificate for all of them", { default: [] }),
    directory: Type.String({
      minLength: 1,
      default: "https://acme-v02.api.letsencrypt.org/directory",
      description: "URL of the certificate authority's directory (RFC 8555 7.1.1)",
    }),
    email: Type.Optional(Type.String({ minLength: 3, description: "whom the authority writes to" })),
    agreeToTerms: Flag(false, "you agree to the authority's terms of service; nothing is ordered without it"),
    challenge: Type.Unsafe<"http-01" | "tls-alpn-01" | "dns-01">({
      type: "string",
      enum: ["http-01", "tls-alpn-01", "dns-01"],
      default: "tls-alpn-01",
      description: "how control of the names is shown; names with a wildcard need dns-01",
    }),
    dnsHook: stringList(
      "program and arguments that set a TXT record: called with `present` or `cleanup`, the record's name and its value",
      { default: [] },
    ),
    dnsHookTimeout: timeout("60s", "time for one call of the program"),
    dnsPropagation: duration(
      "0s",
      "how long to wait after the records are set before the authority looks, if the program does not wait itself",
    ),
    externalAccount: Type.Optional(
      Type.Object(
        {
          keyId: Type.String({ minLength: 1, description: "key identifier that the authority gave" }),
          hmacKey: Type.String({ minLength: 1, "x-secret": true, description: "its key, base64url" }),
        },
        strict,
      ),
    ),
    ca: stringList("PEM files: who may have issued the authority's own certificate, besides the public ones", {
      default: [],
    }),
    keyType: Type.Unsafe<"ec256" | "ec384" | "rsa2048">({
      type: "string",
      enum: ["ec256", "ec384", "rsa2048"],
      default: "ec256",
      description: "kind of private key",
    }),
    renewBefore: duration(
      "30d",
      "how long before its end a certificate is renewed, where the authority does not say when (RFC 9773); at most a third of its life",
      0,
      MAX_RENEW_BEFORE,
    ),
    onDemand: stringList(
      "names (`*.example.com` for one label) that get a certificate when they are first asked for; empty: none",
      { default: [] },
    ),
    onDemandLimit: Type.Integer({ default: 10, minimum: 1, description: "most orders on demand in an hour" }),
  },
  strict,
);
export type AcmeConfig = Static<typeof AcmeSchema>;

export const ListenerTlsSchema = Type.Object(
  {
    certificates: Type.Array(CertificateSchema, {
      default: [],
      description:
        "the first one is shown to clients that ask for no name or an unknown one; several per name are possible",
    }),
    acme: Type.Optional(AcmeSchema),
    passthrough: Flag(false, "nothing is decrypted: routes match on `sni` and pass the connection on as it is"),
    minVersion: MinVersion,
    ciphers: Type.Optional(
      Type.String({
        minLength: 1,
        description: "cipher suites of TLS 1.2 in OpenSSL's notation; ECDHE with AEAD when absent",
      }),
    ),
    strictSni: Flag(false, "handshakes for names without a certificate are refused"),
    handshakeTimeout: timeout("10s", "time for a handshake"),
    sessionTickets: switchable(
      Type.Object(
        { rotation: timeout("12h", "how long one key encrypts tickets; tickets are good for twice as long") },
        strict,
      ),
      {},
      "session tickets, with keys that all workers share",
    ),
    ocspStapling: Flag(true, "show OCSP responses of certificates that name a responder or have an `ocsp` file"),
    clientCertificates: Type.Optional(ClientCertificatesSchema),
  },
  strict,
);
export type ListenerTlsConfig = Static<typeof ListenerTlsSchema>;

export const Http2Schema = Type.Object(
  {
    maxStreams: Type.Integer({
      default: 128,
      minimum: 1,
      maximum: 10_000,
      description: "requests at one time per connection",
    }),
    streamWindow: size("256KiB", "bytes of one body that a client may send ahead of its being read"),
    connectionWindow: size("1MiB", "the same for all bodies of a connection"),
    maxFrameSize: Type.Integer({
      default: 16_384,
      minimum: 16_384,
      maximum: 1_048_576,
      description: "longest frame that is taken, in bytes",
    }),
    headerTableSize: Type.Integer({
      default: 4096,
      minimum: 0,
      maximum: 65_536,
      description: "bytes of the table for compressed fields",
    }),
    maxResets: Type.Integer({
      default: 100,
      minimum: 1,
      description:
        "streams that may end by a reset in 10 s, the client's or one that it provoked, before the connection is closed",
    }),
    maxPings: Type.Integer({ default: 100, minimum: 1, description: "pings in 10 s" }),
    maxSettings: Type.Integer({ default: 20, minimum: 1, description: "changes of settings in 10 s" }),
    maxContinuations: Type.Integer({ default: 8, minimum: 0, description: "CONTINUATION frames of one head" }),
    maxEmptyFrames: Type.Integer({ default: 100, minimum: 1, description: "frames in 10 s that carry nothing" }),
    maxQueuedReplies: Type.Integer({
      default: 256,
      minimum: 16,
      description: "answers to pings, settings and resets that may wait for a client that does not read",
    }),
  },
  strict,
);
export type Http2Config = Static<typeof Http2Schema>;

export const UpstreamTlsSchema = Type.Object(
  {
    verify: Flag(true, "check the server's certificate: issuer, dates, name"),
    ca: stringList("PEM files: who may have issued it; the public authorities when empty", { default: [] }),
    serverName: Type.Optional(
      Text("dnsName", "name that is asked for (SNI) and must be in the certificate; the server's own when absent"),
    ),
    cert: Type.Optional(Type.String({ minLength: 1, description: "PEM file: certificate shown to the servers" })),
    key: Type.Optional(Type.String({ minLength: 1, description: "PEM file: its private key" })),
    minVersion: MinVersion,
  },
  strict,
);
export type UpstreamTlsConfig = Static<typeof UpstreamTlsSchema>;
