import { Type } from "typebox";
import { Flag, strict } from "../../../config/fields.ts";
import type { ProbeDefinition } from "../../../core/health/probe.ts";
import { checkByGrpc, type GrpcSettings } from "./grpc-call.ts";
import { tlsFields, tlsProblem } from "./tls-connection.ts";

/** The standard health service of gRPC. */
export const grpc: ProbeDefinition<GrpcSettings> = {
  kind: "probe",
  name: "grpc",
  summary: "Asks grpc.health.v1.Health/Check; only SERVING is healthy.",
  schema: Type.Object(
    {
      service: Type.String({
        default: "",
        maxLength: 1000,
        description: "service that is asked about; empty: the whole server",
      }),
      tls: Flag(false, "ask over TLS"),
      ...tlsFields("0"),
    },
    strict,
  ),
  problem: (settings) =>
    settings.tls || (settings.ca === undefined && settings.serverName === undefined)
      ? tlsProblem(settings)
      : "`ca` and `serverName` need `tls: true`",
  run: checkByGrpc,
};
