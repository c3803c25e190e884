/** One line about an address that cannot be listened on: what, where, and why in words for the errors that people meet. */
export function listenError(what: string, address: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  return Object.assign(
    new Error(`${what}: cannot listen on ${address}: ${reason(address, code) ?? message}`, { cause: error }),
    {
      code,
    },
  );
}

function reason(address: string, code: string | undefined): string | undefined {
  // libuv reports a missing directory as a lack of permission.
  if (code === "EACCES" && address.startsWith("unix:")) return "the directory is missing or may not be written";
  return code === undefined ? undefined : sentences[code];
}

const sentences: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use",
  EACCES: "not permitted (ports below 1024 need the capability cap_net_bind_service)",
  EADDRNOTAVAIL: "this machine does not have the address",
};
