const H = "Host: h\r\n";
const CHUNKS = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n";

/** Requests to start from: valid ones, pipelined ones, and known ways to smuggle one. */
export const REQUEST_SEEDS: readonly string[] = [
  `GET / HTTP/1.1\r\n${H}\r\n`,
  `GET /a/b?c=d HTTP/1.1\r\n${H}Accept: */*\r\nCookie: a=b; c=d\r\n\r\n`,
  `POST /p HTTP/1.1\r\n${H}Content-Length: 11\r\n\r\nhello worldGET /next HTTP/1.1\r\n${H}\r\n`,
  `POST /c HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}GET /next HTTP/1.1\r\n${H}\r\n`,
  `PUT /t HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\nGET /next HTTP/1.1\r\n${H}\r\n`,
  `GET /1 HTTP/1.1\r\n${H}\r\nGET /2 HTTP/1.1\r\n${H}Connection: close\r\n\r\nGET /3 HTTP/1.1\r\n${H}\r\n`,
  `GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /next HTTP/1.0\r\n\r\n`,
  `GET http://h/a HTTP/1.1\r\n${H}\r\n`,
  `OPTIONS * HTTP/1.1\r\n${H}\r\n`,
  `POST /e HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhiGET /next HTTP/1.1\r\n${H}\r\n`,
  `GET /ws HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nframe`,
  `POST / HTTP/1.1\r\n${H}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGGET / HTTP/1.1\r\n${H}\r\n`,
  `POST / HTTP/1.1\r\n${H}Transfer-Encoding:\tchunked\r\nTransfer-Encoding: x\r\n\r\n${CHUNKS}`,
  `POST / HTTP/1.1\r\n${H}Content-Length: 5\r\nContent-Length: 0\r\n\r\nhelloGET / HTTP/1.1\r\n${H}\r\n`,
  `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n`,
  `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n0000000000000005;a="b;c"\r\nhello\r\n000\r\n\r\n`,
];

const OK = "HTTP/1.1 200 OK\r\n";

/** Responses to start from. */
export const RESPONSE_SEEDS: readonly string[] = [
  `${OK}Content-Length: 5\r\nServer: x\r\n\r\nhello`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`,
  `${OK}Content-Type: text/plain\r\n\r\nuntil the end`,
  `${OK}Connection: close\r\n\r\n`,
  "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
  "HTTP/1.1 204 No Content\r\n\r\n",
  'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n',
  `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
  `HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n`,
  `${OK}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX`,
  `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
];
