// Binary messages of the live websocket, read without copying. The layout is that of runcast/frames.py:
// every part is aligned to 8 bytes, so typed-array views lie straight over what arrived.

export const SNAPSHOT = 1;
export const DELTA = 2;
export const VIEW = 3;
export const ENVELOPE = 1; // Flag: real points, but not all of them.

const MAGIC = 0x4352;
const HEADER_BYTES = 32;

export function parseFrame(buffer) {
  const data = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES || data.getUint16(0, true) !== MAGIC) throw new Error("not a frame of the live protocol");
  const frame = {
    kind: data.getUint8(2),
    flags: data.getUint8(3),
    seq: data.getUint32(4, true),
    req: data.getUint32(12, true),
    newestMs: data.getFloat64(16, true),
    sentMs: data.getFloat64(24, true),
    bytes: buffer.byteLength,
    blocks: [],
  };
  let at = HEADER_BYTES;
  for (let left = data.getUint32(8, true); left > 0; left--) {
    const n = data.getUint32(at + 8, true);
    const m = data.getUint32(at + 12, true);
    const block = {
      run: data.getUint32(at, true),
      writer: data.getUint32(at + 4, true),
      n,
      first: Number(data.getBigUint64(at + 16, true)),
      last: Number(data.getBigUint64(at + 24, true)),
    };
    at += 32;
    block.steps = new Float64Array(buffer, at, n);
    block.times = new Float64Array(buffer, at + 8 * n, n);
    at += 16 * n;
    block.metrics = new Uint32Array(buffer, at, m);
    at += 4 * (m + (m & 1));
    block.values = [];
    for (let k = 0; k < m; k++, at += 8 * n) block.values.push(new Float64Array(buffer, at, n));
    frame.blocks.push(block);
  }
  return frame;
}
