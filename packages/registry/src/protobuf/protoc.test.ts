// What protoc says of the same files.
import { afterAll, describe, expect, it } from 'vitest'
import { validFiles, wrongFiles } from '../test-support/proto-cases.ts'
import { comparable, openProtoc, protocMissing } from '../test-support/protoc.ts'
import {
  checkFile,
  describeFile,
  importsFrom,
  linkText,
  normalizeProto,
  ProtobufError,
  parseProto,
  printProto,
  readDescriptor,
} from './index.ts'

const none = new Map<string, string>()

function accept(text: string): void {
  checkFile(linkText(text, none))
}

describe.skipIf(protocMissing !== null)('a file that protoc compiles', () => {
  const protoc = openProtoc()
  afterAll(() => protoc.close())
  const descriptorOf = (text: string): Buffer => {
    const { errors, descriptors } = protoc.compile({ 'test.proto': text })
    expect(errors).toEqual([])
    return descriptors.get('test.proto')!
  }

  it.each(Object.entries(validFiles))('has the same descriptor with us, and so have its other forms: %s', (_, text) => {
    const wanted = comparable(descriptorOf(text))
    accept(text)
    const linked = linkText(text, none)
    expect(comparable(describeFile(linked, 'test.proto'))).toEqual(wanted)

    const canonical = printProto(linked.file)
    expect(printProto(parseProto(canonical))).toBe(canonical)
    accept(canonical)
    expect(comparable(descriptorOf(canonical))).toEqual(wanted)

    const fromDescriptor = printProto(readDescriptor(descriptorOf(text), importsFrom(none)))
    accept(fromDescriptor)
    expect(comparable(descriptorOf(fromDescriptor))).toEqual(wanted)

    const normal = printProto(normalizeProto(linked))
    accept(normal)
    expect(printProto(normalizeProto(linkText(normal, none)))).toBe(normal)
    expect(protoc.compile({ 'test.proto': normal }).errors).toEqual([])
  })
})

describe.skipIf(protocMissing !== null)('a file that protoc refuses', () => {
  const protoc = openProtoc()
  afterAll(() => protoc.close())

  it.each(Object.entries(wrongFiles))('is refused by us too, at the same line: %s', (_, text) => {
    const { errors } = protoc.compile({ 'test.proto': text })
    expect(errors.length).toBeGreaterThan(0)
    let found: unknown
    try {
      accept(text)
    } catch (error) {
      found = error
    }
    expect(found, `protoc: ${errors.join('\n')}`).toBeInstanceOf(ProtobufError)
    const lines = errors.flatMap((line) => /^test\.proto:(\d+):/.exec(line)?.[1] ?? [])
    const { at, message } = found as ProtobufError
    if (lines.length > 0) expect(lines, `${message}\n${errors.join('\n')}`).toContain(String(at?.line))
  })
})
