// Rows as lines of JSON: bytes as base64, offsets as text, because they have 64 bits.
import type { ExportRow } from './row.ts'

const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null

export function jsonFile(rows: readonly ExportRow[]): Buffer {
  const lines = rows.map(({ offset, key, value, headers, ...row }) => {
    const shown = {
      ...row,
      offset: String(offset),
      key: base64(key),
      value: base64(value),
      headers: headers.map((header) => ({
        key: header.key,
        key_bytes: base64(header.key_bytes),
        value: base64(header.value),
      })),
    }
    return `${JSON.stringify(shown)}\n`
  })
  return Buffer.from(lines.join(''))
}
