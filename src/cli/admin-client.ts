import { request, type IncomingMessage } from "node:http";
import { Option } from "commander";
import { UsageError } from "./failure.ts";

/** Options of the commands that speak to a running balancer. */
export interface AdminOptions {
  readonly admin: string;
  readonly json?: boolean;
}

/** `--admin`, for all such commands. */
export function adminOption(): Option {
  return new Option(
    "--admin <address>",
    "REST interface of the balancer: host:port or unix:/path; EVENKEEL_TOKEN is its token",
  )
    .env("EVENKEEL_ADMIN")
    .default("127.0.0.1:9900");
}

/** An answer of the REST interface other than 2xx; `body` is its problem details where there are any. */
export class AdminError extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    const title =
      typeof body === "object" && body !== null && "title" in body ? String(body.title) : "unexpected answer";
    super(`${status}: ${title}`);
    this.name = "AdminError";
    this.status = status;
    this.body = body;
  }
}

/**
 * Asks the REST interface and returns the JSON of its answer, an object that has the named `member`: something else
 * may listen at the address. Rejects with an AdminError, or an Error of one line.
 *
 * @param body sent as JSON; nothing is sent when it is undefined
 */
export function askAdmin(
  address: string,
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  member: string,
  body?: unknown,
): Promise<unknown> {
  const token = process.env["EVENKEEL_TOKEN"];
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token) headers["authorization"] = `Bearer ${token}`;
  const target = address.startsWith("unix:") ? { socketPath: address.slice(5), path } : adminUrl(address, path);
  return new Promise((resolve, reject) => {
    const handle = (response: IncomingMessage) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("error", reject);
      response.on("end", () => {
        const answer = parse(text);
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) {
          if (typeof answer === "object" && answer !== null && member in answer) resolve(answer);
          else reject(new Error(`what listens at ${address} is not Evenkeel's REST interface`));
        } else reject(new AdminError(status, answer));
      });
    };
    const options = { method, headers, timeout: 40_000 };
    const call = target instanceof URL ? request(target, options, handle) : request({ ...options, ...target }, handle);
    call.on("timeout", () => call.destroy(new Error("no answer within 40 s")));
    call.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "ECONNREFUSED" || error.code === "ENOENT" ? "nothing listens there" : error.message;
      reject(new Error(`cannot reach the balancer at ${address}: ${reason}`));
    });
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function adminUrl(address: string, path: string): URL {
  const text = address.includes("://") ? address : `http://${address.startsWith(":") ? "127.0.0.1" : ""}${address}`;
  if (!URL.canParse(text)) throw new UsageError(`--admin: "${address}" is no address; use host:port or unix:/path`);
  return new URL(path, text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
