// A CDN in small: /npm/NAME@VERSION/FILE is a file of that package.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";

const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

function fileOf(address) {
  const [, name, file] = /^\/npm\/((?:@[^/]+\/)?[^/@]+)@[^/]+\/(.+)$/.exec(address) ?? [];
  if (name) return path.join("node_modules", name, file);
  return { "/": "index.html", "/photo.jpg": "../images/cat-and-cup.jpg" }[address];
}

const server = createServer(async ({ url }, response) => {
  const file = fileOf(path.posix.normalize(decodeURIComponent(new URL(url, "http://x").pathname)));
  const there = file && (await stat(file).catch(() => undefined))?.isFile();
  if (!there) return response.writeHead(404).end();
  response.setHeader("content-type", types[path.extname(file)] ?? "application/octet-stream");
  createReadStream(file).pipe(response);
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () =>
  console.log(`http://localhost:${server.address().port}/`),
);
