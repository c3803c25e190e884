import { Type } from "typebox";
import { strict } from "../../../config/fields.ts";
import type { ProbeDefinition } from "../../../core/health/probe.ts";
import { converse } from "./connection.ts";
import { MysqlDialogue, type MysqlSettings } from "./mysql-dialogue.ts";

/** The start of a connection to MySQL or MariaDB, without TLS; with a login also the role. */
export const mysql: ProbeDefinition<MysqlSettings> = {
  kind: "probe",
  name: "mysql",
  summary: "Begins a connection to MySQL or MariaDB; with a login it can check the role.",
  schema: Type.Object(
    {
      user: Type.Optional(
        Type.String({
          pattern: "^[^\\u0000]{1,80}$",
          description: "user of the login; without one it is enough that the server refuses an unknown user",
        }),
      ),
      password: Type.Optional(
        Type.String({ minLength: 1, maxLength: 200, "x-secret": true, description: "password of the login" }),
      ),
      role: Type.Unsafe<MysqlSettings["role"]>({
        type: "string",
        enum: ["any", "primary", "replica"],
        default: "any",
        description: "a server in another role (replica: `read_only` is on) is unhealthy; needs `user`",
      }),
    },
    strict,
  ),
  problem({ user, password, role }) {
    if (user === undefined && password !== undefined) return "`password` needs `user`";
    return user === undefined && role !== "any" ? "`role` needs `user`" : undefined;
  },
  run: (target, settings, context) => converse(target, context, new MysqlDialogue(settings)),
};
