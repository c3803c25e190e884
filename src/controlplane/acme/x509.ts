/**
 * @peculiar/x509 for making requests and certificates, loaded when it is first needed: that takes two tenths of a second, and most
 * nodes order nothing. It needs the reflection API in place before it loads.
 */
export async function loadX509() {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}
