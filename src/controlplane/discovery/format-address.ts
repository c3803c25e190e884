/** An IP address (or host name) and a port as the address of a server: `192.0.2.1:80`, `[2001:db8::1]:80`. */
export function formatServerAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
