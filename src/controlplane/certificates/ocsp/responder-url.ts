import type { X509Certificate } from "node:crypto";

/** URL of the first OCSP responder that a certificate names (authorityInfoAccess, RFC 5280 4.2.2.1) and HTTP reaches. */
export function responderUrl({ infoAccess }: X509Certificate): string | undefined {
  for (const [, url] of infoAccess?.matchAll(/^OCSP - URI:(.*)$/gm) ?? []) {
    // Node quotes what could be taken for something else.
    const text = url!.startsWith('"') ? (JSON.parse(url!) as string) : url!;
    if (/^https?:\/\//i.test(text) && URL.canParse(text)) return text;
  }
  return undefined;
}
