/** What `evenkeel init` writes: the settings that most people need, each with what it is for. */
export const initialConfig = `# Evenkeel configuration. Check it with \`evenkeel check\`, start with \`evenkeel run\`; SIGHUP loads it again.
# Every key, with its default: docs/configuration.md, or \`evenkeel schema --format markdown\`.
# Durations: 250ms, 5s, 30m, 1h. Sizes: 512, 64KiB, 10MB. In texts \${NAME}, \${NAME:-default} and \${file:path}
# are replaced by an environment variable or the content of a file.

# Threads that carry traffic. auto: one for each core.
workers: auto

# The REST interface and health of Evenkeel itself. "admin: off" turns it off. On an address that other machines
# can reach it needs a token.
admin:
  listen: 127.0.0.1:9900
  # token: \${file:/run/secrets/evenkeel-token}

# How long requests in flight may take to end after SIGTERM.
drainTimeout: 30s

listeners:
  web:
    # One address or a list. Write IPv6 in quotes: "[::]:8080". A unix socket: unix:/run/evenkeel.sock
    listen: 127.0.0.1:8080

    # HTTPS and HTTP/2 (listen on :443 then). Files are read again when they change. Without files: docs/acme.md.
    # tls: { certificates: [{ cert: shop.crt, key: shop.key }] }

    # Whose X-Forwarded-* fields are believed: the proxies in front of Evenkeel, if there are any.
    # trustedProxies: [10.0.0.0/8]

    limits:
      maxBodySize: 0          # longest request body; 0 is no limit
      headTimeout: 10s        # for a request's head to arrive
      idleTimeout: 60s        # for the next request on a connection

    # The first route that matches is taken.
    routes:
      # Answered by Evenkeel itself, without a server.
      - match: { path: /ping }
        respond: { status: 200, body: pong }

      # - match: { host: old.example.com }
      #   redirect: { host: www.example.com, status: 301 }

      # - match: { host: api.example.com, path: /v1/*, methods: [GET, HEAD] }
      #   rewrite: { stripPrefix: /v1 }
      #   split:
      #     - { pool: web, weight: 90 }
      #     - { pool: canary, weight: 10 }

      # A route without a match takes everything else.
      - pool: web

pools:
  web:
    # How a server is chosen: weighted_round_robin, least_connections, consistent_hash, …
    algorithm: weighted_round_robin
    # With settings: algorithm: { name: consistent_hash, key: "cookie:session" }

    servers:
      - 127.0.0.1:9001
      - address: 127.0.0.1:9002
        weight: 1               # share of the traffic
        # maxConnections: 1000  # most requests in flight

    # Another server is tried when the first one fails and the request may be repeated.
    retries:
      attempts: 2

    upstream:
      connectTimeout: 5s        # for a connection to a server
      responseTimeout: 60s      # for the head of its answer
      # tls: { ca: internal-ca.crt }  # TLS to the servers; without ca the public authorities are trusted
      # protocol: http2         # HTTP/2 to the servers, as gRPC needs it; h2c without tls
      idleTimeout: 60s          # how long an unused connection is kept
`;
