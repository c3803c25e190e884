import type { Socket } from "node:net";
import { Type } from "typebox";
import { strict } from "../../../config/fields.ts";
import type { ProbeDefinition, ProbeResult } from "../../../core/health/probe.ts";
import { converse, type Dialogue } from "./connection.ts";
import { degraded, healthy, quoted, unhealthy, type ProbeDetails } from "./outcome.ts";
import { Received } from "./received.ts";
import { encodeCommand, parseReply, RedisError, type RedisReply } from "./resp.ts";

interface RedisSettings {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly role: "any" | "master" | "replica";
}

/** Most bytes of replies; ROLE of a master lists its replicas. */
const MAX_REPLIES = 64 * 1024;

/** PING, with AUTH before it and ROLE behind it where the settings want that, in one write. */
class RedisDialogue implements Dialogue {
  readonly awaited = "answer";
  readonly #settings: RedisSettings;
  readonly #received = new Received(MAX_REPLIES);
  /** Commands whose replies have not come. */
  readonly #pending: ("AUTH" | "PING" | "ROLE")[];
  #details: ProbeDetails = {};

  constructor(settings: RedisSettings) {
    this.#settings = settings;
    this.#pending = [
      ...(settings.password === undefined ? [] : (["AUTH"] as const)),
      "PING",
      ...(settings.role === "any" ? [] : (["ROLE"] as const)),
    ];
  }

  start(socket: Socket): undefined {
    const { user, password = "" } = this.#settings;
    const login = user === undefined ? [password] : [user, password];
    socket.write(this.#pending.map((name) => encodeCommand(name, ...(name === "AUTH" ? login : []))).join(""));
  }

  data(chunk: Buffer): ProbeResult | undefined {
    if (!this.#received.push(chunk)) return unhealthy(`answered with more than ${MAX_REPLIES} bytes`);
    while (this.#pending.length > 0) {
      const parsed = parseReply(this.#received.bytes);
      if (parsed === undefined) return undefined;
      if ("wrong" in parsed) return unhealthy(`not an answer of Redis: ${parsed.wrong}`);
      this.#received.drop(parsed.end);
      const result = this.#judge(this.#pending.shift()!, parsed.reply);
      if (result !== undefined) return result;
    }
    return healthy(this.#details);
  }

  end(): ProbeResult {
    return unhealthy("the server closed the connection without an answer");
  }

  #judge(command: string, reply: RedisReply): ProbeResult | undefined {
    if (reply instanceof RedisError) return this.#judgeError(command, reply);
    if (command === "ROLE") return this.#judgeRole(reply);
    const wanted = command === "PING" ? "PONG" : "OK";
    return reply === wanted ? undefined : unhealthy(`answered ${quoted(JSON.stringify(reply))} to ${command}`);
  }

  #judgeError(command: string, error: RedisError): ProbeResult | undefined {
    if (command === "AUTH") return unhealthy(`login refused: ${error.text}`);
    // Redis that wants a login is up; without credentials there is no more to know.
    if (command === "PING" && error.code === "NOAUTH" && this.#settings.password === undefined) {
      this.#details = { login: "required" };
      return undefined;
    }
    if (command === "ROLE") return unhealthy(`role unknown: ${error.text}`);
    return unhealthy(error.text);
  }

  #judgeRole(reply: RedisReply): ProbeResult | undefined {
    const [name, , , link] = Array.isArray(reply) ? (reply as readonly RedisReply[]) : [];
    if (typeof name !== "string") return unhealthy("answered ROLE without a role");
    const role = name === "slave" ? "replica" : name;
    this.#details = { role };
    if (role !== this.#settings.role) return unhealthy(`role ${role}, expected ${this.#settings.role}`, { role });
    if (role !== "replica" || link === "connected") return undefined;
    return degraded(`not connected to its master (${String(link)})`, { role });
  }
}

export const redis: ProbeDefinition<RedisSettings> = {
  kind: "probe",
  name: "redis",
  summary: "Sends PING to Redis or Valkey, after a login if wanted, and checks the role if wanted.",
  schema: Type.Object(
    {
      user: Type.Optional(Type.String({ minLength: 1, description: "user of the login (ACL), with `password`" })),
      password: Type.Optional(Type.String({ minLength: 1, "x-secret": true, description: "password of the login" })),
      role: Type.Unsafe<RedisSettings["role"]>({
        type: "string",
        enum: ["any", "master", "replica"],
        default: "any",
        description: "a server in another role is unhealthy; a replica without its master is degraded",
      }),
    },
    strict,
  ),
  problem: ({ user, password }) =>
    user !== undefined && password === undefined ? "`user` needs `password`" : undefined,
  run: (target, settings, context) => converse(target, context, new RedisDialogue(settings)),
};
