import { lookup } from "node:dns";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { isMetadataAddress } from "../../../core/net/metadata-address.ts";

/** Time for the whole of a request, in ms. */
const TIMEOUT = 10_000;
/** Longest answer, in bytes. */
const MAX_RESPONSE = 64 * 1024;

/** Sends an OCSP request and gives the answer's body; rejects with a reason of one line. */
export type OcspFetch = (url: string, request: Buffer) => Promise<Buffer>;

/**
 * POST of RFC 6960 appendix A. The address stands in a certificate, which may be somebody else's: services that only this
 * machine is meant to reach are not asked, and redirects are not followed.
 */
export const fetchOcsp: OcspFetch = (url, body) =>
  new Promise((resolve, reject) => {
    const { protocol, hostname } = new URL(url);
    if (protocol !== "http:" && protocol !== "https:") throw new Error(`${protocol} is not asked`);
    const host = hostname.replace(/^\[|\]$/g, "");
    if (isMetadataAddress(host)) throw new Error(`${host} is not asked: it is link-local or a metadata service`);
    const headers = {
      "content-type": "application/ocsp-request",
      "content-length": body.length,
      accept: "application/ocsp-response",
    };
    const send = protocol === "https:" ? httpsRequest : httpRequest;
    const signal = AbortSignal.timeout(TIMEOUT);
    const call = send(url, { method: "POST", headers, agent: false, signal, lookup: guardedLookup }, (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      if (response.statusCode !== 200) {
        call.destroy(new Error(`it answers with status ${response.statusCode}`));
        return;
      }
      response.on("data", (part: Buffer) => {
        length += part.length;
        if (length > MAX_RESPONSE) call.destroy(new Error(`its answer has more than ${MAX_RESPONSE} bytes`));
        else parts.push(part);
      });
      response.on("end", () => resolve(Buffer.concat(parts)));
      response.on("error", reject);
    });
    call.on("error", (error) => {
      reject(signal.aborted ? new Error(`no answer within ${TIMEOUT / 1000} s`) : error);
    });
    call.end(body);
  });

/** Looks a name up as usual, and fails when one of its addresses must not be asked. */
const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, "", 0);
    const bad = addresses.find(({ address }) => isMetadataAddress(address));
    if (bad !== undefined) {
      return callback(new Error(`${hostname} is at ${bad.address}, which is link-local or a metadata service`), "", 0);
    }
    if (options.all === true) return callback(null, addresses);
    return callback(null, addresses[0]!.address, addresses[0]!.family);
  });
};
