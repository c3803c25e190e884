import type { FastifyPluginCallback, FastifyReply } from "fastify";
import { fileReason } from "../../config/file-error.ts";
import { isStoredId } from "../certificates/certificate-storage.ts";
import { CertificateError } from "../certificates/stored-certificates.ts";
import { certificateView } from "./certificate-view.ts";
import type { NodeState } from "./node-state.ts";
import { sendProblem } from "./problem-details.ts";

interface Call {
  Params: { id: string };
  Body: unknown;
}

/** Longest body of a certificate with its chain and key, in bytes. */
const BODY_LIMIT = 256 * 1024;

/**
 * `/certificates`: those that clients are shown. `GET /certificates/{id}`; `PUT` adds or replaces one (`{ "cert": PEM,
 * "key": PEM }`) and `DELETE` removes it, both answered when all workers have the change. Keys go in and never come out.
 */
export function certificateRoutes(state: NodeState): FastifyPluginCallback {
  const { certificates } = state;
  const find = (id: string) => certificates.entries().find((entry) => entry.id === id);
  return (server, _options, done) => {
    server.get("/certificates", () => ({
      certificates: certificates.entries().map((entry) => certificateView(entry, state)),
      problems: certificates.problems(),
    }));

    server.get<Call>("/certificates/:id", (request, reply) => {
      const entry = find(fullId(request.params.id));
      return entry === undefined ? unknown(reply, request.params.id) : certificateView(entry, state);
    });

    server.put<Call>("/certificates/:id", { bodyLimit: BODY_LIMIT }, async (request, reply) => {
      const id = fullId(request.params.id);
      const body = texts(request.body);
      if ("wrong" in body) return sendProblem(reply, 400, "bad_request", body.wrong, { field: body.field });
      if (!id.startsWith("rest:")) return readOnly(reply, id);
      if (!isStoredId(id)) {
        const text = "A name is 1 to 128 letters, digits, dots, hyphens, underscores and tildes.";
        return sendProblem(reply, 400, "bad_name", text);
      }
      const isNew = find(id) === undefined;
      try {
        await certificates.put(id, body.cert, body.key);
      } catch (error) {
        if (!(error instanceof CertificateError)) return notKept(reply, error);
        const field = error.part ?? null;
        return sendProblem(reply, 422, "bad_certificate", `The certificate cannot be used: ${error.message}.`, {
          field,
        });
      }
      return reply.code(isNew ? 201 : 200).send(certificateView(find(id)!, state));
    });

    server.delete<Call>("/certificates/:id", async (request, reply) => {
      const id = fullId(request.params.id);
      const entry = find(id);
      if (entry === undefined) return unknown(reply, request.params.id);
      // One that ACME got and nobody shows any more is left over from another configuration.
      if (entry.source === "file" || (entry.source === "acme" && entry.listeners.length > 0)) {
        return readOnly(reply, id);
      }
      try {
        await certificates.remove(id);
      } catch (error) {
        return notKept(reply, error);
      }
      return { removed: id };
    });
    done();
  };
}

/** A name without the part before its colon is one of those that come over REST. */
function fullId(id: string): string {
  return id.includes(":") ? id : `rest:${id}`;
}

function unknown(reply: FastifyReply, id: string): FastifyReply {
  return sendProblem(reply, 404, "unknown_certificate", `There is no certificate "${id}".`);
}

/** The disk refused: whoever asks for the change can do something about that. */
function notKept(reply: FastifyReply, error: unknown): FastifyReply {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  const text = `The certificate store cannot be written: ${fileReason(error)}.`;
  return sendProblem(reply, 500, "store_failed", text);
}

function readOnly(reply: FastifyReply, id: string): FastifyReply {
  const text = id.startsWith("acme:")
    ? "This certificate is ordered and renewed by ACME, as the configuration says."
    : "Only certificates with ids such as rest:NAME can be changed here; this one is a file: replace the file.";
  return sendProblem(reply, 409, "read_only", text);
}

type Texts =
  { readonly cert: string; readonly key: string } | { readonly wrong: string; readonly field: string | null };

/** The two texts of the body. What it says about wrong ones never quotes them. */
function texts(body: unknown): Texts {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return { wrong: 'The body must be a JSON object with "cert" and "key", both PEM.', field: null };
  }
  const extra = Object.keys(body).find((field) => field !== "cert" && field !== "key");
  // A field's name is only repeated when it looks like one.
  if (extra !== undefined) {
    return {
      wrong: `There is no field ${/^\w{1,20}$/.test(extra) ? `"${extra}"` : "of that name"} here.`,
      field: null,
    };
  }
  const { cert, key } = body as { cert?: unknown; key?: unknown };
  if (typeof cert !== "string") return { wrong: '"cert" must be PEM text.', field: "cert" };
  if (typeof key !== "string") return { wrong: '"key" must be PEM text.', field: "key" };
  return { cert, key };
}
