/** @file Requests that mean harm, one of each kind. Each resolves when it is answered, refused, or given up. */
import net from "node:net";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";

/** A request that is not answered in this time is given up, as a client who leaves does. */
const patience = 20_000;

/** @returns by name, functions that send one and resolve with its status, or "left" */
export async function hostileRequests(url) {
  const { hostname, port, host } = new URL(url);
  const send = (bytes, leaveAfter = patience) =>
    new Promise((resolve) => {
      const socket = net.connect(Number(port), hostname);
      const leave = setTimeout(() => socket.destroy(), leaveAfter);
      let status = "left";
      socket.on("data", (part) => {
        if (status === "left") status = part.toString("latin1", 9, 12);
        // Whether more comes does not matter: the answer is there.
        socket.destroy();
      });
      socket.on("error", () => undefined);
      socket.on("close", () => {
        clearTimeout(leave);
        resolve(status);
      });
      socket.write(bytes);
    });
  const head = (type, length, more = "") =>
    `POST /v1/explain HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n${more}\r\n`;
  const json = (text) => Buffer.from(head("application/json", Buffer.byteLength(text)) + text);
  const part = (name, type) =>
    `--xx\r\nContent-Disposition: form-data; name="${name}"; filename="a"\r\nContent-Type: ${type}\r\n\r\n`;
  const form = (file, question = {}, more = "") => {
    const begin = `--xx\r\nContent-Disposition: form-data; name="question"\r\n\r\n${JSON.stringify(question)}\r\n${part("image", "application/octet-stream")}`;
    const length = Buffer.byteLength(begin) + file.length + "\r\n--xx--\r\n".length;
    return Buffer.concat([
      Buffer.from(head("multipart/form-data; boundary=xx", length, more) + begin),
      file,
      Buffer.from("\r\n--xx--\r\n"),
    ]);
  };

  const flat = () => sharp({ create: { width: 5000, height: 5000, channels: 3, background: "#123456" } });
  const photo = sharp({
    create: { width: 640, height: 480, channels: 3, noise: { type: "gaussian", mean: 128, sigma: 60 } },
  });
  const picture = await photo.jpeg().toBuffer();
  const square = png(5000, 5000);
  const everything = {
    classes: Array(10).fill("top25"),
    methods: "grad-cam hires-cam guided-backprop guided-grad-cam deconvolution gradient occlusion".split(" "),
    include: ["overlay", "heat", "panel"],
  };
  const ten = { classes: ["top10"], include: ["overlay", "heat", "panel"] };
  const numbers = (code, shape, bytes, fortran = "False") => npy(code, shape, Buffer.alloc(bytes), fortran);
  const bodies = {
    "JSON of 900,000 keys": json(`{${Array.from({ length: 900_000 }, (_, i) => `"k${i}":1`).join()}}`),
    "JSON of whole numbers as keys": json(`{${Array.from({ length: 850_000 }, (_, i) => `"${i * 4001}":1`).join()}}`),
    "JSON that opens 13 million lists": json("[".repeat(13_000_000)),
    "JSON 6.6 million lists deep": json("[".repeat(6_600_000) + "]".repeat(6_600_000)),
    "JSON 2 million objects deep": json(`${'{"a":'.repeat(2_000_000)}1${"}".repeat(2_000_000)}`),
    "JSON of 6 million classes": json(`{"image":"AAAA","classes":[${"1,".repeat(6_000_000)}1]}`),
    "JSON of 4 million methods": json(`{"image":"AAAA","methods":[${'"",'.repeat(4_000_000)}""]}`),
    "JSON of 13 MB of base64": json(`{"image":"${"A".repeat(13_300_000)}"}`),
    "JSON of 13 MB of escapes": json(`{"image":"${"\\u0041".repeat(2_200_000)}"}`),
    "JSON of 13 MB of escaped slashes": json(`{"image":"${"\\/".repeat(6_600_000)}"}`),
    "JSON of 13 MB of escaped quotes": json(`{"image":"${'\\"'.repeat(6_600_000)}"}`),
    "JSON of 13 MB for a name": json(`{"image":"AAAA","model":"${"A".repeat(13_000_000)}"}`),
    "a PNG of 5,000 x 5,000": form(square),
    "a PNG of 1 x 25,000,000": form(png(1, 25_000_000)),
    "a PNG of 100 x 250,000": form(png(100, 250_000)),
    "a PNG of 30,000 x 30,000": form(png(30_000, 30_000, Buffer.alloc(1e6))),
    "an interlaced PNG": form(await flat().png({ progressive: true }).toBuffer()),
    "a PNG of 16 bits": form(await flat().toColourspace("rgb16").png().toBuffer()),
    "a progressive JPEG": form(await flat().jpeg({ progressive: true }).toBuffer()),
    "a lossless WebP": form(await flat().webp({ lossless: true }).toBuffer()),
    "an AVIF": form(await flat().avif({ effort: 0 }).toBuffer()),
    "a GIF": form(await flat().gif().toBuffer()),
    "a TIFF in tiles": form(
      await flat().tiff({ compression: "deflate", tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    ),
    "ten classes, drawn in every way, of 5,000 x 5,000": form(square, ten),
    "everything of 5,000 x 5,000": form(square, everything),
    "everything of a photograph": form(picture, everything),
    "occlusion of 25 classes": form(picture, { classes: ["top25"], methods: ["occlusion"] }),
    "25 classes rather than one, at the pixels": form(picture, {
      classes: ["top25"],
      against: 1,
      methods: ["gradient", "guided-backprop"],
    }),
    "an array of 10 MB of bytes": form(numbers("|u1", "(9999000,)", 9_999_000)),
    "an array whose shape is huge": form(numbers("<f4", "(1000000000, 1000000000)", 100)),
    "an array of 3 million axes": form(
      Buffer.concat([Buffer.from("\x93NUMPY\x02\0", "latin1"), u32(9_000_060), shapeOf(3_000_000)]),
    ),
    "an array in the order of Fortran": form(numbers("<f8", "(1200000,)", 9_600_000, "True")),
    "a recording of 10 MB": form(wav(9_900_000)),
    "a form of 10,000 parts": Buffer.from(
      head("multipart/form-data; boundary=xx", 10_000 * part("f", "text/plain").length) +
        part("f", "text/plain").repeat(10_000),
    ),
    "a part with a header of 1 MB": Buffer.from(
      `${head("multipart/form-data; boundary=xx", 1_000_100)}--xx\r\nContent-Disposition: ${"a".repeat(1_000_000)}`,
    ),
    "a header of 1 MB": Buffer.from(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nX: ${"a".repeat(1_000_000)}\r\n\r\n`),
    "chunks of a byte": Buffer.from(
      `${head("application/json", 0).replace("Content-Length: 0", "Transfer-Encoding: chunked")}${"1\r\n \r\n".repeat(3e6)}0\r\n\r\n`,
    ),
    "half a body": json(`{"image":"${"A".repeat(1_000_000)}"}`).subarray(0, 500_000),
  };
  const sends = Object.fromEntries(
    Object.entries(bodies).map(([name, bytes]) => [name, () => send(bytes, name.startsWith("half") ? 2000 : patience)]),
  );
  return {
    ...sends,
    "a client who leaves 5,000 x 5,000 after a second": () =>
      send(bodies["ten classes, drawn in every way, of 5,000 x 5,000"], 1000),
    "clients who leave everything at once": () => send(bodies["everything of a photograph"], 100),
  };
}

/** A PNG file of one colour, of a few KB for as many pixels as one likes. */
function png(width, height, rows = Buffer.alloc((width * 3 + 1) * height)) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [data.length, crc32(body)].map(u32be);
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.concat([u32be(width), u32be(height), Buffer.from([8, 2, 0, 0, 0])]);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function npy(code, shape, data, fortran) {
  const header = `{'descr': '${code}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\0", "latin1"), length, Buffer.from(header), data]);
}

const shapeOf = (axes) =>
  Buffer.from(`{'descr': '<f4', 'fortran_order': False, 'shape': (${"1, ".repeat(axes)}), }    `);

function wav(size) {
  const header = Buffer.from("RIFF....WAVEfmt ....................data....", "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt16LE(8, 34);
  header.writeUInt32LE(size, 40);
  return Buffer.concat([header, Buffer.alloc(size)]);
}

function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u32be(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
