import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepts, findProgram, start } from "../processes.ts";
import type { Certificate, Contestant, Setting } from "./contestant.ts";

// One worker; connections to both sides are kept for good; bodies pass through memory, never through files;
// buffers large enough that a body takes few turns.
function configuration({ port, origins, directory, secure }: Setting): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
daemon off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log error;
events { worker_connections 4096; use epoll; }
http {
  access_log off;
  server_tokens off;
  tcp_nodelay on;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  keepalive_time 1d;
  reset_timedout_connection on;
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n  ")}
  upstream origin {
    ${origins.map((origin) => `server 127.0.0.1:${origin};`).join("\n    ")}
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_time 1d;
    keepalive_timeout 1h;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096${secure === undefined ? "" : " ssl http2"};
    ${secure === undefined ? "" : tls(secure)}
    client_max_body_size 0;
    client_body_buffer_size 64k;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_request_buffering off;
      proxy_buffer_size 8k;
      proxy_buffers 16 32k;
      proxy_busy_buffers_size 128k;
      proxy_max_temp_file_size 0;
    }
  }
}
`;
}

/** Sessions are resumed, records are not held back; http2 streams get the limits of the others. */
function tls({ cert, key }: Certificate): string {
  return `ssl_certificate ${cert}; ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:10m; ssl_session_tickets on;
    http2_max_concurrent_streams 128;`;
}

/** nginx as in Debian, one worker process. */
export const nginx: Contestant = {
  name: "nginx",
  summary: "nginx, one worker process",
  warmup: 0.5,
  programs: ["nginx"],
  async start(setting) {
    const file = join(setting.directory, "nginx.conf");
    mkdirSync(setting.directory, { recursive: true });
    writeFileSync(file, configuration(setting));
    const running = start({
      name: "nginx",
      command: findProgram("nginx") ?? "nginx",
      args: ["-p", setting.directory, "-e", "stderr", "-c", file],
      cpu: setting.cpu,
      log: join(setting.directory, "log"),
    });
    await accepts(running, setting.port);
    return running;
  },
};
