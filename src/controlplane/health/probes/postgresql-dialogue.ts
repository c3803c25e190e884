import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import type { ProbeResult } from "../../../core/health/probe.ts";
import type { Dialogue } from "./connection.ts";
import { healthy, unhealthy } from "./outcome.ts";
import { clientMessage, errorFields, firstColumn, parseServerMessage, startupMessage } from "./postgresql-messages.ts";
import { Received } from "./received.ts";
import { ScramClient } from "./scram.ts";

export interface PostgresqlSettings {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly database: string;
  readonly role: "any" | "primary" | "replica";
}

const MAX_RECEIVED = 64 * 1024;
/** Name in the server's log of a check without a user. */
const NOBODY = "evenkeel_health";

/** What an authentication request (message R) asks for: PostgreSQL documentation, "Message Formats". */
const AUTH_OK = 0;
const AUTH_CLEARTEXT = 3;
const AUTH_MD5 = 5;
const AUTH_SASL = 10;
const AUTH_SASL_CONTINUE = 11;
const AUTH_SASL_FINAL = 12;
/** Most messages of the server about the login: SCRAM takes four, the others two. */
const MAX_STEPS = 4;

/**
 * Opens a connection as pg_isready does: without a user the server is alive as soon as it asks who is there, or says
 * that this user may not come in. With a user the login must succeed, and then the role can be asked for.
 */
export class PostgresqlDialogue implements Dialogue {
  readonly awaited = "answer";
  readonly #settings: PostgresqlSettings;
  readonly #received = new Received(MAX_RECEIVED);
  #scram: ScramClient | undefined;
  /** Messages of the server about the login. */
  #steps = 0;
  #asked = false;
  #role: "primary" | "replica" | undefined;
  /** What went wrong in an answer that takes time to compute; it is told with the next bytes or the end. */
  #failure: string | undefined;

  constructor(settings: PostgresqlSettings) {
    this.#settings = settings;
  }

  start(socket: Socket): undefined {
    const { user = NOBODY, database } = this.#settings;
    socket.write(startupMessage({ user, database, application_name: "evenkeel-health" }));
  }

  data(chunk: Buffer, socket: Socket): ProbeResult | undefined {
    if (!this.#received.push(chunk)) return unhealthy(`answered with more than ${MAX_RECEIVED} bytes`);
    for (;;) {
      const message = parseServerMessage(this.#received.bytes);
      if (message === undefined) return undefined;
      if ("wrong" in message) return unhealthy(`not an answer of PostgreSQL: ${message.wrong}`);
      this.#received.drop(message.end);
      const result = this.#judge(message.type, message.body, socket);
      if (result !== undefined) {
        socket.write(clientMessage("X", ""));
        return result;
      }
    }
  }

  end(): ProbeResult {
    return unhealthy(this.#failure ?? "the server closed the connection without an answer");
  }

  #judge(type: string, body: Buffer, socket: Socket): ProbeResult | undefined {
    if (type === "E") return this.#judgeError(errorFields(body));
    if (type === "R") return this.#authenticate(body, socket);
    if (type === "D") return this.#takeRole(firstColumn(body));
    return type === "Z" ? this.#ready(socket) : undefined;
  }

  #judgeError(fields: ReadonlyMap<string, string>): ProbeResult {
    const code = fields.get("C") ?? "";
    const text = `${fields.get("M") ?? "unknown error"} (${code})`;
    // Invalid authorisation (class 28) and an unknown database are about who asks, not about the server.
    const aboutUs = code.startsWith("28") || code === "3D000";
    if (this.#settings.user === undefined && aboutUs) return healthy({ login: "required" });
    return unhealthy(this.#role === undefined && aboutUs ? `login refused: ${text}` : text);
  }

  #authenticate(body: Buffer, socket: Socket): ProbeResult | undefined {
    if (body.length < 4) return unhealthy("not an answer of PostgreSQL: a request of an impossible length");
    const kind = body.readUInt32BE(0);
    if (this.#settings.user === undefined) return healthy(kind === AUTH_OK ? undefined : { login: "required" });
    // Each costs this side work, a proof for SCRAM a lot of it.
    if (++this.#steps > MAX_STEPS) return unhealthy("the server does not come to an end with the login");
    if (kind === AUTH_OK) return undefined;
    const { user, password } = this.#settings;
    if (password === undefined) return unhealthy("login refused: the server asks for a password, and there is none");
    if (kind === AUTH_CLEARTEXT) socket.write(clientMessage("p", `${password}\0`));
    else if (kind === AUTH_MD5) socket.write(clientMessage("p", `${md5Answer(user, password, body.subarray(4, 8))}\0`));
    else return this.#sasl(kind, body.toString("utf8", 4), password, socket);
    return undefined;
  }

  #sasl(kind: number, text: string, password: string, socket: Socket): ProbeResult | undefined {
    if (kind === AUTH_SASL && text.split("\0").includes("SCRAM-SHA-256")) {
      this.#scram = new ScramClient(password);
      const first = Buffer.from(this.#scram.first());
      const length = Buffer.alloc(4);
      length.writeUInt32BE(first.length);
      socket.write(clientMessage("p", Buffer.concat([Buffer.from("SCRAM-SHA-256\0"), length, first])));
      return undefined;
    }
    if (kind === AUTH_SASL_CONTINUE && this.#scram !== undefined) {
      this.#scram.final(text).then(
        (final) => socket.write(clientMessage("p", final)),
        (error: unknown) => {
          this.#failure = (error as Error).message;
          socket.destroy();
        },
      );
      return undefined;
    }
    if (kind === AUTH_SASL_FINAL && this.#scram !== undefined) {
      return this.#scram.isServer(text) ? undefined : unhealthy("the server does not know the password of the login");
    }
    return unhealthy(`login with an unknown method (${kind})`);
  }

  /** The server waits for a query: the login has succeeded, or the role has come. */
  #ready(socket: Socket): ProbeResult | undefined {
    const { role: wanted } = this.#settings;
    if (wanted === "any") return healthy();
    if (!this.#asked) {
      this.#asked = true;
      socket.write(clientMessage("Q", "select pg_is_in_recovery()\0"));
      return undefined;
    }
    const role = this.#role;
    if (role === undefined) return unhealthy("the server did not tell its role");
    return role === wanted ? healthy({ role }) : unhealthy(`role ${role}, expected ${wanted}`, { role });
  }

  #takeRole(column: string | null | undefined): ProbeResult | undefined {
    if (!this.#asked || (column !== "t" && column !== "f")) return unhealthy("the server did not tell its role");
    this.#role = column === "t" ? "replica" : "primary";
    return undefined;
  }
}

function md5Answer(user: string | undefined, password: string, salt: Buffer): string {
  const inner = createHash("md5").update(`${password}${user}`).digest("hex");
  return `md5${createHash("md5").update(inner).update(salt).digest("hex")}`;
}
