import { Type } from "typebox";
import { strict } from "../../../config/fields.ts";
import type { ProbeDefinition } from "../../../core/health/probe.ts";
import { converse } from "./connection.ts";
import { PostgresqlDialogue, type PostgresqlSettings } from "./postgresql-dialogue.ts";

/** The start of a connection to PostgreSQL, without TLS; with a login also the role. */
export const postgresql: ProbeDefinition<PostgresqlSettings> = {
  kind: "probe",
  name: "postgresql",
  summary: "Begins a connection to PostgreSQL as pg_isready does; with a login it can check the role.",
  schema: Type.Object(
    {
      user: Type.Optional(text("user of the login; without one it is enough that the server asks for a login")),
      password: Type.Optional(
        Type.String({
          minLength: 1,
          "x-secret": true,
          description: "password of the login (SCRAM-SHA-256, MD5 or plain)",
        }),
      ),
      database: Type.Unsafe<string>({ ...text("database to connect to"), default: "postgres" }),
      role: Type.Unsafe<PostgresqlSettings["role"]>({
        type: "string",
        enum: ["any", "primary", "replica"],
        default: "any",
        description: "a server in another role is unhealthy; needs `user`",
      }),
    },
    strict,
  ),
  problem({ user, password, role }) {
    if (user === undefined && password !== undefined) return "`password` needs `user`";
    return user === undefined && role !== "any" ? "`role` needs `user`" : undefined;
  },
  run: (target, settings, context) => converse(target, context, new PostgresqlDialogue(settings)),
};

function text(description: string) {
  return Type.String({ pattern: "^[^\\u0000]{1,100}$", description });
}
