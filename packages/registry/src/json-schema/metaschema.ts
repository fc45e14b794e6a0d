// Whether a text follows the metaschema of its draft. The validator is loaded when the first JSON Schema is registered, so
// that a registry without any starts faster and smaller.
import { createRequire } from 'node:module'
import type { Ajv as AjvClass } from 'ajv'
import { JsonSchemaError, type SchemaDocument } from './document.ts'
import type { Draft } from './drafts.ts'

const require = createRequire(import.meta.url)
const validators = new Map<Draft, AjvClass>()

/** The module of a draft's validator, and the metaschema that it does not have from the start. */
const modules: Readonly<Record<Draft, readonly [module: string, metaschema?: string]>> = {
  'draft-04': ['ajv-draft-04'],
  'draft-06': ['ajv', 'ajv/dist/refs/json-schema-draft-06.json'],
  'draft-07': ['ajv'],
  '2019-09': ['ajv/dist/2019.js'],
  '2020-12': ['ajv/dist/2020.js'],
}

const metaschemaOf: Readonly<Record<Draft, string>> = {
  'draft-04': 'http://json-schema.org/draft-04/schema',
  'draft-06': 'http://json-schema.org/draft-06/schema',
  'draft-07': 'http://json-schema.org/draft-07/schema',
  '2019-09': 'https://json-schema.org/draft/2019-09/schema',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
}

/** @throws {JsonSchemaError} what is wrong, and where */
export function checkMetaschema(document: SchemaDocument, text: string): void {
  const validate = validatorOf(document.draft).getSchema(metaschemaOf[document.draft])!
  // The text once more: the document has integers that the validator does not know (bigint).
  if (isValid(() => validate(JSON.parse(text)) === true)) return
  // Of a value that may have several forms, each failed form is an error: the deepest place says most.
  const [error] = (validate.errors ?? []).toSorted((a, b) => depthOf(b.instancePath) - depthOf(a.instancePath))
  const allowed = error?.params?.allowedValues as unknown[] | undefined
  const more = allowed === undefined ? '' : `: ${allowed.join(', ')}`
  throw new JsonSchemaError(`${error?.message ?? 'not a JSON Schema'}${more} (at ${error?.instancePath || '/'})`)
}

/** @throws {JsonSchemaError} the validator, which calls itself for each level, has no stack left */
function isValid(validate: () => boolean): boolean {
  try {
    return validate()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new JsonSchemaError('the schema is nested too deeply to be checked: move inner schemas to definitions', {
      cause: error,
    })
  }
}

function depthOf(path: string): number {
  return path.split('/').length
}

function validatorOf(draft: Draft): AjvClass {
  const known = validators.get(draft)
  if (known) return known
  const [name, metaschema] = modules[draft]
  const { default: Ajv } = require(name) as { default: typeof AjvClass }
  const ajv = new Ajv({ strict: false, validateFormats: false, logger: false })
  if (metaschema !== undefined) ajv.addMetaSchema(require(metaschema))
  validators.set(draft, ajv)
  return ajv
}
