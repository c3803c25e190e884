import type { FastifyPluginCallback } from "fastify";
import type { NodeState } from "./node-state.ts";
import { sendProblem } from "./problem-details.ts";
import { redacted } from "./redacted.ts";

/** `/config`: the configuration in use, without secrets. `POST /reload`: reads the file again. `/algorithms`: what there is. */
export function configurationRoutes(state: NodeState): FastifyPluginCallback {
  return (server, _options, done) => {
    server.get("/config", () => {
      const snapshot = state.snapshot();
      return { version: snapshot?.version ?? null, config: redacted(state.config() ?? null) };
    });
    server.get("/algorithms", () => ({
      algorithms: state.algorithms().map(({ name, aliases, summary, usesHashKey, schema }) => ({
        name,
        aliases: aliases ?? [],
        summary,
        usesHashKey,
        schema,
      })),
    }));
    server.post("/reload", async (_request, reply) => {
      const outcome = await state.reload();
      if (outcome === undefined) {
        return sendProblem(
          reply,
          409,
          "no_file",
          "The configuration did not come from a file, so there is nothing to read again.",
        );
      }
      if (outcome.result !== "kept") return outcome;
      return sendProblem(reply, 422, "bad_configuration", "The new configuration is bad; the old one stays in use.", {
        ...outcome,
      });
    });
    done();
  };
}
