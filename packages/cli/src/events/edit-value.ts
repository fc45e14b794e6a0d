// A record's value as text that a person edits, and back: JSON of what it decodes to, or its bytes.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { avroToJson } from '@selfmonitor/events/avro-json'
import { createCodec } from '@selfmonitor/events/codec'
import type { Context } from '../framework/context.ts'
import { CliError, usageError } from '../framework/errors.ts'
import { createDecoder } from './decode.ts'
import {
  encodeWith,
  type LineEncoder,
  LineError,
  parseJson,
  parseRecordLine,
  type ValueLine,
  valueLine,
} from './record-lines.ts'

export interface EditedValue {
  readonly bytes: Buffer | null
  readonly isSame: boolean
}

/**
 * @param given the new text; undefined opens an editor
 * @throws CliError VALUE_INVALID when the text does not fit the schema; EDITOR_FAILED; USAGE without an editor
 */
export async function editValue(
  context: Context,
  original: Buffer | null,
  { given, schemaId }: { readonly given: string | undefined; readonly schemaId: number | null },
): Promise<EditedValue> {
  const registry = await context.registry()
  const codec = createCodec(registry)
  const decoder = createDecoder(codec, registry)
  const line = await valueLine(original, 'auto', decoder)
  const decoded = await decoder.decode(original)
  const isEvent = decoded.kind === 'event'
  // The payload of an event is JSON within JSON: it is edited as what it is.
  const shown =
    decoded.kind === 'event' ? { ...(avroToJson(decoded.envelope) as object), data: decoded.data } : line.value
  const before = `${line.format === 'text' ? line.value : JSON.stringify(shown, null, 2)}\n`
  const after = given ?? editText(context, before, line.format === 'text' ? 'txt' : 'json')
  if (after === before) return { bytes: original, isSame: true }
  try {
    const bytes = await encode(after, line, { codec, registry, valueSchemaId: schemaId }, isEvent)
    return { bytes, isSame: bytes === null ? original === null : original?.equals(bytes) === true }
  } catch (error) {
    if (!(error instanceof LineError)) throw error
    throw new CliError('VALUE_INVALID', `The new value was not sent: ${error.message}.`, { cause: error })
  }
}

async function encode(text: string, line: ValueLine, encoder: LineEncoder, isEvent: boolean): Promise<Buffer | null> {
  const schemaId = encoder.valueSchemaId ?? line.schemaId
  if (schemaId === undefined && line.format === 'text') return Buffer.from(text.replace(/\n$/, ''))
  const json = parseJson(text)
  const isBytes =
    typeof json === 'object' && json !== null && Object.keys(json).length === 1 && ('base64' in json || 'hex' in json)
  if (json === null || isBytes || schemaId === undefined) {
    return (
      await parseRecordLine(JSON.stringify({ value: json, format: line.format }), { ...encoder, valueSchemaId: null })
    ).value
  }
  return encodeWith(schemaId, isEvent ? withDataAsText(json) : json, encoder, 'value')
}

function withDataAsText(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || !('data' in json)) return json
  return { ...json, data: JSON.stringify(json.data) }
}

function editText(context: Context, text: string, extension: string): string {
  const { env, interactive } = context.io
  const editor = env.VISUAL || env.EDITOR || (interactive ? 'vi' : undefined)
  if (editor === undefined) throw usageError('There is no terminal for an editor.', 'Pass --value-file <file>.')
  // A letter may hold personal data: only this user may read the file, and it goes away.
  const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-edit-'))
  const file = join(folder, `value.${extension}`)
  try {
    writeFileSync(file, text, { mode: 0o600 })
    // An editor may be a command with arguments, as in git.
    const { status, error } = spawnSync('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
    if (error !== undefined || status !== 0) {
      throw new CliError(
        'EDITOR_FAILED',
        `The editor (${editor}) ended with ${error?.message ?? `exit code ${status}`}: nothing was sent.`,
      )
    }
    return readFileSync(file, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
