/** What happened to a certificate. */
export type CertificateChange =
  | "certificate_added"
  | "certificate_replaced"
  | "certificate_removed"
  | "certificate_expiring"
  | "certificate_expired"
  | "certificate_unusable";

/** Something that happened to a certificate of this node. */
export interface CertificateEvent {
  /** Grows by one with each event of the node, from 1. */
  readonly id: number;
  /** ms since 1970-01-01 UTC. */
  readonly at: number;
  /** Id of the certificate: `file:PATH`, `rest:NAME` or `acme:NAME`. */
  readonly certificate: string;
  readonly what: CertificateChange;
  /** In one line. */
  readonly reason: string;
  /** Such events are about no pool and no server. */
  readonly pool?: undefined;
  readonly server?: undefined;
}

/** An event before the log has given it a number. */
export type NewCertificateEvent = Omit<CertificateEvent, "id">;

const levels = {
  certificate_added: "info",
  certificate_replaced: "info",
  certificate_removed: "info",
  certificate_expiring: "warn",
  certificate_expired: "error",
  certificate_unusable: "error",
} as const;

/** How grave the event is for the log. */
export function eventLevel(what: CertificateChange): "info" | "warn" | "error" {
  return levels[what];
}

/** The event in one line for the log. */
export function certificateEventText({ certificate, what, reason }: NewCertificateEvent): string {
  return `certificate ${certificate}: ${what.slice("certificate_".length)} (${reason})`;
}
