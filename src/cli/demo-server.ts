import { createServer } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

/*
 * A sample server of `evenkeel demo`, in a thread of its own: says which one it is, as a page or as JSON by Accept.
 */

const { name, colour } = workerData as { name: string; colour: string };
const port = parentPort!;
let answered = 0;

const server = createServer((request, response) => {
  answered++;
  const facts = {
    server: name,
    answered,
    method: request.method,
    path: request.url,
    client: request.headers["x-forwarded-for"] ?? null,
    requestId: request.headers["x-request-id"] ?? null,
  };
  const html = (request.headers.accept ?? "").includes("text/html");
  response.setHeader("content-type", html ? "text/html; charset=utf-8" : "application/json");
  response.setHeader("x-served-by", name);
  response.end(html ? page(facts) : `${JSON.stringify(facts)}\n`);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  port.postMessage(typeof address === "object" && address !== null ? address.port : 0);
});

function page(facts: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(facts).map(([key, value]) => `<tr><th>${key}<td>${escaped(String(value))}`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Evenkeel demo: ${name}</title>
<style>
  body { margin: 0; min-height: 100vh; display: grid; place-content: center; gap: 1rem; font: 1rem/1.5 system-ui, sans-serif; background: ${colour}; color: #fff }
  h1 { margin: 0; font-size: 4rem }
  th { text-align: left; padding-right: 2rem; opacity: .75; font-weight: 400 }
  a { color: inherit }
</style>
<h1>${name}</h1>
<table>${rows.join("\n")}</table>
<p><a href="${escaped(String(facts["path"]))}">again</a>: another server answers</p>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
