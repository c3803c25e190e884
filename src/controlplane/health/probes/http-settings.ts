import { Type, type Static } from "typebox";
import { size, Text } from "../../../config/fields.ts";
import {
  parseJsonCondition,
  parseJsonPath,
  type JsonCondition,
  type JsonStep,
} from "../../../core/health/json-conditions.ts";
import {
  rangesProblem,
  STATUS_RANGE_PATTERN,
  statusRanges,
  type StatusRange,
  type StatusSetting,
} from "./status-ranges.ts";

/** Most that `maxBody` may be, so that a thousand answers at a time stay small. */
const MAX_BODY = 1024 * 1024;

function statuses(defaultValue: readonly string[] | undefined, description: string) {
  const status = { type: "integer", minimum: 100, maximum: 599 };
  const range = { type: "string", pattern: STATUS_RANGE_PATTERN };
  return Type.Unsafe<StatusSetting>({
    anyOf: [status, range, { type: "array", items: { anyOf: [status, range] }, minItems: defaultValue ? 1 : 0 }],
    default: defaultValue ?? [],
    description,
  });
}

function conditions(defaultValue: readonly string[], description: string) {
  const condition = Text("jsonCondition", "such as `cpu_usage <= 95`");
  return Type.Array(condition, { default: defaultValue, maxItems: 50, description });
}

/** The settings that `http` and `https` share. */
export const httpFields = {
  method: Type.String({ default: "GET", "x-check": "method", maxLength: 32, description: "method of the request" }),
  path: Type.String({
    default: "/",
    "x-check": "requestTarget",
    maxLength: 2000,
    description: "path that is asked for, with a query if one is needed",
  }),
  host: Type.Optional(Text("authority", "value of Host; default: the server's address")),
  headers: Type.Unsafe<Record<string, string>>({
    type: "object",
    additionalProperties: { type: "string", "x-check": "headerValue" },
    "x-key-check": "headerName",
    default: {},
    description: "further fields of the request",
  }),
  expectedStatus: statuses(["200-399"], "statuses of a good answer: a number, a range, or a list of both"),
  degradedStatus: statuses(undefined, "statuses that make the server degraded, whatever `expectedStatus` says"),
  degradedHeader: Type.Optional(Text("headerName", "a field that makes the server degraded when the answer has it")),
  body: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: "text that the body must hold" })),
  bodyPattern: Type.Optional(Text("regex", "regular expression that the body must match, anywhere")),
  json: conditions([], "conditions on the body as JSON, all of which must hold"),
  degradedWhen: conditions(
    ['status == "degraded"', 'status == "warn"'],
    "conditions on the body as JSON; one that holds makes the server degraded; [] for none",
  ),
  utilisation: Type.Optional(
    Text("jsonPath", "path in the body as JSON to the server's utilisation, for `resource_based`"),
  ),
  utilisationUnit: Type.Unsafe<"percent" | "share">({
    type: "string",
    enum: ["percent", "share"],
    default: "percent",
    description: "of `utilisation`: 0 to 100, or 0 to 1",
  }),
  maxBody: size("64KiB", `most of the body that is read, at most ${MAX_BODY / 2 ** 20} MiB`),
};

const shape = Type.Object(httpFields);
export type HttpSettings = Static<typeof shape>;

/** Settings as the check uses them, made once for each. */
export interface HttpPlan {
  readonly settings: HttpSettings;
  readonly expected: readonly StatusRange[];
  readonly degraded: readonly StatusRange[];
  readonly degradedHeader: string | undefined;
  readonly pattern: RegExp | undefined;
  readonly json: readonly JsonCondition[];
  readonly degradedWhen: readonly JsonCondition[];
  readonly utilisation: readonly JsonStep[] | undefined;
  /** Field lines behind Host, and the blank line. */
  readonly fieldLines: string;
}

const plans = new WeakMap<HttpSettings, HttpPlan>();

export function httpPlan(settings: HttpSettings): HttpPlan {
  let plan = plans.get(settings);
  if (plan === undefined) plans.set(settings, (plan = makePlan(settings)));
  return plan;
}

function makePlan(settings: HttpSettings): HttpPlan {
  return {
    settings,
    expected: statusRanges(settings.expectedStatus),
    degraded: statusRanges(settings.degradedStatus),
    degradedHeader: settings.degradedHeader?.toLowerCase(),
    pattern: settings.bodyPattern === undefined ? undefined : new RegExp(settings.bodyPattern),
    json: settings.json.map(parseJsonCondition),
    degradedWhen: settings.degradedWhen.map(parseJsonCondition),
    utilisation: settings.utilisation === undefined ? undefined : parseJsonPath(settings.utilisation),
    fieldLines: fieldLines(settings),
  };
}

function fieldLines({ method, headers }: HttpSettings): string {
  const given = new Map(Object.keys(headers).map((name) => [name.toLowerCase(), headers[name]]));
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (!given.has("user-agent")) lines.unshift("User-Agent: evenkeel-health/1\r\n");
  if (!given.has("accept")) lines.push("Accept: */*\r\n");
  if (!given.has("accept-encoding")) lines.push("Accept-Encoding: identity\r\n");
  if (!/^(GET|HEAD|OPTIONS|TRACE)$/.test(method)) lines.push("Content-Length: 0\r\n");
  return `${lines.join("")}Connection: close\r\n\r\n`;
}

/** Fields that the check sets itself, or that would announce a body that never comes. */
const OWN_FIELDS = new Set(["host", "connection", "content-length", "transfer-encoding", "upgrade", "expect", "te"]);

/** Why settings make no sense together; see `ProbeDefinition.problem`. */
export function httpProblem(settings: HttpSettings): string | undefined {
  const names = Object.keys(settings.headers);
  const own = names.find((name) => OWN_FIELDS.has(name.toLowerCase()));
  if (own !== undefined) {
    return `\`headers\`: ${own} is set by the check itself${own.toLowerCase() === "host" ? "; use `host`" : ""}`;
  }
  if (settings.method === "CONNECT") return "`method`: CONNECT asks for a tunnel and cannot be a check";
  const { json, body, bodyPattern, utilisation } = settings;
  if (settings.method === "HEAD" && (json.length > 0 || (body ?? bodyPattern ?? utilisation) !== undefined)) {
    return "an answer to HEAD has no body: use another `method`, or none of `json`, `body`, `bodyPattern`, `utilisation`";
  }
  if (settings.maxBody < 1 || settings.maxBody > MAX_BODY)
    return `\`maxBody\` must be from 1 byte to ${MAX_BODY / 2 ** 20} MiB`;
  return rangesProblem(settings.expectedStatus) ?? rangesProblem(settings.degradedStatus);
}
