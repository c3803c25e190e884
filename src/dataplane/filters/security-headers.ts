import { Type, type Static } from "typebox";
import { stringList } from "../../config/fields.ts";
import type { FilterDefinition } from "../../core/filtering/filter.ts";

const Value = (defaultText: string, description: string) =>
  Type.String({ default: defaultText, "x-check": "headerValue", description: `${description}; empty for none` });
const Flag = (value: boolean, description: string) => Type.Boolean({ default: value, description });

const Settings = Type.Object(
  {
    contentTypeOptions: Flag(true, "send X-Content-Type-Options: nosniff"),
    frameOptions: Value("DENY", "X-Frame-Options: DENY or SAMEORIGIN"),
    referrerPolicy: Value("strict-origin-when-cross-origin", "Referrer-Policy"),
    contentSecurityPolicy: Value("", "Content-Security-Policy"),
    permissionsPolicy: Value("", "Permissions-Policy"),
    crossOriginOpenerPolicy: Value("", "Cross-Origin-Opener-Policy"),
    // Seconds, as in the field itself: configured durations are for timers and end at 24 days.
    hstsMaxAge: Type.Integer({
      default: 15_552_000,
      minimum: 0,
      maximum: 2_000_000_000,
      description:
        "Strict-Transport-Security: seconds for which browsers use TLS only; sent over TLS only; 0 sends none",
    }),
    hstsIncludeSubDomains: Flag(false, "Strict-Transport-Security: for all names below, too"),
    hstsPreload: Flag(false, "Strict-Transport-Security: allow browsers to build the name into their lists"),
    hide: stringList("fields of the servers' answers that tell about the software", {
      default: ["server", "x-powered-by"],
      check: "headerName",
    }),
    override: Flag(false, "replace what the server sent; otherwise the server's own field stays"),
  },
  { additionalProperties: false },
);

/** Adds the fields that make browsers careful, where the server did not send them itself. */
export const securityHeaders = {
  kind: "filter",
  name: "securityHeaders",
  summary:
    "Adds the answer fields that make browsers careful (nosniff, framing, referrer, HSTS over TLS) and hides fields about the software.",
  schema: Settings,
  create: (config) => {
    const fields: [name: string, value: string][] = [
      ["x-content-type-options", config.contentTypeOptions ? "nosniff" : ""],
      ["x-frame-options", config.frameOptions],
      ["referrer-policy", config.referrerPolicy],
      ["content-security-policy", config.contentSecurityPolicy],
      ["permissions-policy", config.permissionsPolicy],
      ["cross-origin-opener-policy", config.crossOriginOpenerPolicy],
    ];
    const sent = fields.filter(([, value]) => value !== "");
    // RFC 6797 section 7.2: not over a connection without TLS.
    const hsts = hstsValue(config);
    const { override } = config;
    const hide = config.hide.map((name) => name.toLowerCase());
    return {
      onResponseHead: ({ response, secure }) => {
        for (const name of hide) response.removeHeader(name);
        for (const [name, value] of sent) {
          if (override || response.header(name) === undefined) response.setHeader(name, value);
        }
        if (secure && hsts !== "" && (override || response.header("strict-transport-security") === undefined)) {
          response.setHeader("strict-transport-security", hsts);
        }
      },
    };
  },
} satisfies FilterDefinition<Static<typeof Settings>>;

/** @throws Error when the preload lists would not take it (hstspreload.org asks for a year and for all names below) */
function hstsValue(config: Static<typeof Settings>): string {
  const seconds = config.hstsMaxAge;
  if (config.hstsPreload && (seconds < 31_536_000 || !config.hstsIncludeSubDomains)) {
    throw new Error(
      "securityHeaders: hstsPreload needs hstsIncludeSubDomains and an hstsMaxAge of at least 31536000 (a year)",
    );
  }
  if (seconds === 0) return "";
  return `max-age=${seconds}${config.hstsIncludeSubDomains ? "; includeSubDomains" : ""}${config.hstsPreload ? "; preload" : ""}`;
}
