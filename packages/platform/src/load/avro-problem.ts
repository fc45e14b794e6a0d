// Finds the problem of an Avro schema: one sentence, with line and column. A schema of the file must follow the current rules of Avro,
// which a registry applies to new schemas; schemas from a registry are read leniently.
import { nearest } from '@selfmonitor/cluster/nearest'
import { AvroSchemaError, parseAvro } from '@selfmonitor/registry'
import type { PlatformProblem } from '../model.ts'
import { placeIn } from './json-place.ts'

/** @param text JSON; @returns null when it is a schema that a registry takes */
export function avroProblem(file: string, text: string): PlatformProblem | null {
  try {
    parseAvro(text)
    return null
  } catch (error) {
    if (!(error instanceof AvroSchemaError)) {
      throw error
    }
    const message = `is not a valid Avro schema: ${avroSentence(error.problem)}`
    return { file, ...placeIn(text, error.path), path: '', message }
  }
}

/**
 * The registry says what is wrong in the words of Java's Avro, which people search for. Those of the most common mistakes are
 * read once more as a sentence that says what to do.
 */
export function avroSentence(problem: string): string {
  for (const [form, sentence] of sentences) {
    const found = form.exec(problem)
    if (found !== null) {
      return sentence(...(found.slice(1) as [string, string, string]))
    }
  }
  return problem
}

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']
const others = ['record', 'enum', 'array', 'map', 'fixed']
const nameRule = 'names have letters, digits and _, and do not begin with a digit'

const sentences: readonly (readonly [RegExp, (...found: [string, string, string]) => string])[] = [
  [
    /^Invalid default for field (\S+): (.*) not a (\{.*\}|\[.*\]|".*")$/s,
    (field, value, type) =>
      `the default of the field ${field} is ${value}, and its type is ${shortType(type)}${unionHint(type)}`,
  ],
  [
    /^Illegal (?:initial )?character(?: in)?: (.*)$/s,
    (name) => `${JSON.stringify(name)} is not a valid name; ${nameRule}`,
  ],
  [
    /^Undefined name: "(.*?)"; .*$/s,
    (name) => {
      const meant = nearest(name.split('.').at(-1)!, [...primitives, ...others])
      return `the type ${JSON.stringify(name)} is not defined${meant === undefined ? '; define a type before it is used' : `; did you mean ${JSON.stringify(meant)}?`}`
    },
  ],
  [/^No type: .*$/s, () => 'a schema needs a "type"'],
  [/^No field type: .*$/s, () => 'a field needs a "type"'],
  [/^No field name: .*$/s, () => 'a field needs a "name"'],
  [/^No name in schema: .*$/s, () => 'a record, an enum and a fixed need a "name"'],
  [/^Record has no fields: .*$/s, () => 'a record needs "fields", a list'],
  [/^Enum has no symbols: .*$/s, () => 'an enum needs "symbols", a list'],
]

function shortType(type: string): string {
  return type.length > 60 ? `${type.slice(0, 59)}…` : type.replaceAll('"', '')
}

function unionHint(type: string): string {
  return type.includes('null') ? '' : '; for a field that may be null write ["null", …]'
}
