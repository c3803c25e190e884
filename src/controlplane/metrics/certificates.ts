import { certificateFingerprint } from "../api/certificate-view.ts";
import { statusOf } from "../certificates/certificate-entry.ts";
import type { MetricFamily } from "./metric-family.ts";

/** When each certificate expires: one value per name, so that an alert can name it. */
export const certificateExpiry: MetricFamily = {
  name: "evenkeel_certificate_expiry_timestamp_seconds",
  help: "When the certificate expires, in seconds since 1970.",
  type: "gauge",
  samples: ({ certificates }) =>
    certificates.entries().flatMap(({ id, pair: { names, notAfter } }) => {
      const value = notAfter / 1000;
      return (names.length === 0 ? [""] : names).map((name) => ({ labels: { id, name }, value }));
    }),
};

/** What each certificate is. */
export const certificateInfo: MetricFamily = {
  name: "evenkeel_certificate_info",
  help: "A certificate that clients are shown, with its status (ok, expiring, expired, invalid); always 1.",
  type: "gauge",
  samples: ({ certificates, clock }) =>
    certificates.entries().map((entry) => {
      const { id, source, pair } = entry;
      const { status } = statusOf(entry, clock.wall());
      const labels = { id, source, status, key_type: pair.keyStrength, fingerprint: certificateFingerprint(entry) };
      return { labels, value: 1 };
    }),
};
