import { fieldOf, type DecodedField } from "./decoded-field.ts";

/** RFC 7541 appendix A, from index 1 on: `name` or `name=value`. */
const ENTRIES =
  ":authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|" +
  ":status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|" +
  "accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|" +
  "content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|" +
  "cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|" +
  "last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|" +
  "server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate";

/** The static table: fields by index. Index 0 is not used; what stands there is never read. */
export const STATIC_FIELDS: readonly DecodedField[] = [
  fieldOf(":unused", ""),
  ...ENTRIES.split("|").map((entry) => {
    const [name, value = ""] = entry.split("=", 2);
    return fieldOf(name, value);
  }),
];

/** Number of entries; the dynamic table's newest has the index behind it. */
export const STATIC_COUNT = STATIC_FIELDS.length - 1;

/** Indices that encoders name. */
export const STATIC = {
  authority: 1,
  methodGet: 2,
  methodPost: 3,
  pathSlash: 4,
  schemeHttp: 6,
  schemeHttps: 7,
  status200: 8,
} as const;

/** Index of the first entry with that name (lower case); 0 if there is none. */
export function staticIndexOfName(name: string): number {
  const index = STATIC_FIELDS.findIndex((field) => field.name === name);
  return index < 0 ? 0 : index;
}
