// JSON as the backup's files have it: offsets and other 64-bit numbers are strings of digits, because many readers of JSON keep no
// more than 53 bits of a number.

/** Two spaces where people read it, none in an index. */
export function toJson(value: unknown, indent = 0): Buffer {
  return Buffer.from(
    `${JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? String(field) : field), indent)}\n`,
  )
}
