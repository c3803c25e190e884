import { Type, type Static } from "typebox";
import { Flag, Name, strict, stringList, Text } from "./fields.ts";
import type { TextCheck } from "./text-checks.ts";

/* The parts of a route: what it matches, and where it goes. See schema.ts. */

const Prefix = (description: string) => Type.Optional(Text("targetPath", description));

/** Name → pattern of a value (a header, a cookie, a query parameter). */
function Values(description: string, keyCheck?: TextCheck) {
  const keys = keyCheck === undefined ? {} : { "x-key-check": keyCheck };
  return Type.Record(Type.String(), Type.String({ "x-check": "valuePattern" }), { ...keys, description });
}

export const MatchSchema = Type.Object(
  {
    host: Type.Optional(
      stringList("exact name, *.example.com (any depth below), or example.*; without port", {
        minItems: 1,
        check: "hostPattern",
      }),
    ),
    path: Type.Optional(
      stringList("/exact, /prefix/*, a glob with * (within a segment) and ** (across), or ~regular expression", {
        minItems: 1,
        check: "pathPattern",
      }),
    ),
    methods: Type.Optional(stringList("GET, POST, …; any when absent", { minItems: 1, check: "method" })),
    headers: Type.Optional(
      Values("name: value; * any value, ~regular expression, !value not equal, ! absent", "headerName"),
    ),
    cookies: Type.Optional(Values("name: value, as for headers", "cookieName")),
    query: Type.Optional(Values("name: value, as for headers")),
    sni: Type.Optional(
      stringList("name that the client asked for in the TLS handshake: as `host`", {
        minItems: 1,
        check: "hostPattern",
      }),
    ),
    client: Type.Optional(
      stringList("client addresses: single ones or ranges such as 10.0.0.0/8", { minItems: 1, check: "addressRange" }),
    ),
  },
  strict,
);
export type MatchConfig = Static<typeof MatchSchema>;

export const RedirectSchema = Type.Object(
  {
    status: Type.Unsafe<number>({
      type: "integer",
      enum: [301, 302, 303, 307, 308],
      default: 308,
      description: "status of the answer",
    }),
    scheme: Type.Optional(
      Type.Unsafe<"http" | "https">({ type: "string", enum: ["http", "https"], description: "other scheme" }),
    ),
    host: Type.Optional(Text("authority", "other host, with port if needed")),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: "other port" })),
    path: Prefix("other path"),
    stripPrefix: Prefix("taken off the front of the path"),
    addPrefix: Prefix("put in front of the path"),
    query: Flag(true, "keep the query"),
  },
  strict,
);
export type RedirectConfig = Static<typeof RedirectSchema>;

export const RespondSchema = Type.Object(
  {
    status: Type.Integer({ default: 200, minimum: 200, maximum: 599, description: "status of the answer" }),
    headers: Type.Record(Type.String(), Type.String({ "x-check": "headerValue" }), {
      default: {},
      "x-key-check": "responseHeaderName",
      description: "name: value",
    }),
    body: Type.String({ default: "", description: "text of the answer" }),
  },
  strict,
);
export type RespondConfig = Static<typeof RespondSchema>;

export const RewriteSchema = Type.Object(
  {
    stripPrefix: Prefix("taken off the front of the path"),
    addPrefix: Prefix("put in front of the path"),
    path: Prefix("replaces the whole path"),
    regex: Type.Optional(Text("regex", "regular expression over the path, with `to`")),
    to: Type.Optional(Type.String({ description: "replacement for `regex`; $1 … are groups" })),
    host: Type.Optional(Text("authority", "Host that the server gets")),
  },
  strict,
);
export type RewriteConfig = Static<typeof RewriteSchema>;

export const SplitSchema = Type.Object(
  {
    pool: Name("where this share goes"),
    weight: Type.Integer({ minimum: 0, maximum: 1_000_000, description: "size of the share" }),
  },
  strict,
);
