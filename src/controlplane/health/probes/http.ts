import { Type } from "typebox";
import { strict } from "../../../config/fields.ts";
import type { ProbeDefinition } from "../../../core/health/probe.ts";
import { converse } from "./connection.ts";
import { HttpDialogue } from "./http-dialogue.ts";
import { httpFields, httpPlan, httpProblem, type HttpSettings } from "./http-settings.ts";

/** A request over HTTP/1.1 on a connection of its own: connecting is part of the check. */
export const http: ProbeDefinition<HttpSettings> = {
  kind: "probe",
  name: "http",
  summary: "Asks for a path over HTTP/1.1 and judges the status, and if wanted the body or JSON in it.",
  schema: Type.Object(httpFields, strict),
  problem: httpProblem,
  run: (target, settings, context) => converse(target, context, new HttpDialogue(httpPlan(settings), target, 80)),
};
