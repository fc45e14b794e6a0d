// protoc as the judge of what a .proto file means.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { orMissing } from '../../../../test/deployment/static/fetch.ts'
import { fetchProtoc } from '../../../../test/support/protoc.ts'
import { knownTexts } from '../protobuf/known.generated.ts'

const program = await orMissing(fetchProtoc)

/** Why there is no protoc here; null where there is one. */
export const protocMissing = 'missing' in program ? program.missing : null

/** The files of one compilation by their paths; the known files are there too. */
export type Sources = Readonly<Record<string, string>>

export interface Compiled {
  /** What protoc says is wrong, a line each; empty when it compiled. */
  readonly errors: readonly string[]
  /** The FileDescriptorProto of each file that was asked for; empty when there are errors. */
  readonly descriptors: ReadonlyMap<string, Buffer>
}

/** A folder with the known files, removed by `close`. */
export function openProtoc(): { compile(sources: Sources): Compiled; close(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'protoc-'))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  for (const [path, text] of Object.entries(knownTexts)) write(path, text)
  return {
    compile(sources) {
      for (const [path, text] of Object.entries(sources)) write(path, text)
      const out = join(folder, 'out.bin')
      const args = [`-I${folder}`, `--descriptor_set_out=${out}`, ...Object.keys(sources)]
      const { status, stderr } = spawnSync('value' in program ? program.value : '', args, { encoding: 'utf8' })
      const lines = stderr.split('\n').filter((line) => line !== '' && !/warning: |^\[libprotobuf WARNING/i.test(line))
      if (status !== 0) return { errors: lines.length > 0 ? lines : ['protoc failed'], descriptors: new Map() }
      return { errors: [], descriptors: split(readFileSync(out)) }
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The files of a FileDescriptorSet, each with its bytes as they are, unknown options too. */
function split(set: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (let index = 0; index < set.length; ) {
    index++
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = set[index++]!
      length += (byte & 127) * 2 ** shift
      if (byte < 128) break
    }
    const bytes = set.subarray(index, index + length)
    index += length
    found.set(fromBinary(FileDescriptorProtoSchema, bytes).name, bytes)
  }
  return found
}

/** A descriptor as JSON, with the bytes of custom options, and without its name; fields and oneofs by name. */
export function comparable(bytes: Uint8Array): unknown {
  const message = fromBinary(FileDescriptorProtoSchema, bytes)
  message.name = ''
  return sortFields(plain(message))
}

type Json = { [key: string]: unknown }

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .map(([key, one]) => [key, key === '$unknown' ? unknownFields(one) : plain(one)] as const)
    .filter(([, one]) => !isEmpty(one))
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function isEmpty(value: unknown): boolean {
  if (value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && value !== null && Object.keys(value).every((key) => key === '$typeName')
}

function unknownFields(value: unknown): unknown {
  const list = value as readonly { readonly no: number; readonly wireType: number; readonly data: Uint8Array }[]
  return list.map(({ no, data }) => `${no}:${Buffer.from(data).toString('hex')}`).toSorted()
}

/** The canonical text puts the fields of a message in another order; what they are stays. */
function sortFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortFields)
  if (typeof value !== 'object' || value === null) return value
  const json = Object.fromEntries(Object.entries(value as Json).map(([key, one]) => [key, sortFields(one)])) as Json
  if (json.$typeName === 'google.protobuf.FileDescriptorProto') sortImports(json)
  if (json.$typeName !== 'google.protobuf.DescriptorProto') return json
  const oneofs = (json.oneofDecl ?? []) as Json[]
  const fields = (json.field ?? []) as Json[]
  const isOwn = new Set(fields.map(({ oneofIndex }) => oneofIndex))
  return {
    ...json,
    field: fields
      .map((field) => ({
        ...field,
        ...(isOwn.has(field.oneofIndex) && field.oneofIndex !== undefined
          ? { oneofIndex: oneofs[field.oneofIndex as number]?.name }
          : {}),
      }))
      .toSorted((a, b) => Number((a as Json).number) - Number((b as Json).number)),
    oneofDecl: oneofs.toSorted((a, b) => (String(a.name) < String(b.name) ? -1 : 1)),
    // Entries of maps come where their fields are; the order of the others matters to written records.
    nestedType: sortEntries(json.nestedType as Json[] | undefined),
  }
}

function sortImports(json: Json): void {
  const paths = (json.dependency ?? []) as string[]
  const named = (indexes: unknown): string[] => ((indexes ?? []) as number[]).map((index) => paths[index]!).toSorted()
  json.publicDependency = named(json.publicDependency)
  json.weakDependency = named(json.weakDependency)
  json.dependency = paths.toSorted()
}

function sortEntries(nested: readonly Json[] = []): Json[] {
  const isEntry = (one: Json): boolean => (one.options as Json | undefined)?.mapEntry === true
  return [
    ...nested.filter((one) => !isEntry(one)),
    ...nested.filter(isEntry).toSorted((a, b) => (String(a.name) < String(b.name) ? -1 : 1)),
  ]
}
