// Turns a JSON Schema (draft 2020-12) into the TypeScript type of the values that it describes.

export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

/** A named type of the output. */
export interface NamedType {
  readonly name: string
  readonly text: string
}

/**
 * @param name of the type; the schema's `$defs` become types with this prefix
 * @returns the type itself first, then those that it refers to, in the order of the schema
 */
export function typesOf(name: string, schema: JsonSchema): NamedType[] {
  const definitions = new Map<string, { name: string; schema: JsonSchema }>()
  for (const section of ['$defs', 'definitions']) {
    for (const [key, inner] of Object.entries(objectOf(keyword(schema, section)))) {
      definitions.set(`#/${section}/${key}`, { name: name + pascalCase(key), schema: inner as JsonSchema })
    }
  }
  const writer: Writer = {
    reference: (ref) =>
      ref === '#' ? name : (definitions.get(ref.replaceAll('~1', '/').replaceAll('~0', '~'))?.name ?? null),
  }
  return [{ name, schema }, ...definitions.values()].map((type) => ({
    name: type.name,
    text: declaration(type.name, type.schema, writer),
  }))
}

interface Writer {
  /** Name of the type that a `$ref` points to, null when it is not in this schema. */
  readonly reference: (ref: string) => string | null
}

function declaration(name: string, schema: JsonSchema, writer: Writer): string {
  const type = typeOf(schema, writer, '')
  const isInterface = type.startsWith('{\n') && type.endsWith('\n}') && isPlainObject(schema)
  return `${schemaComment(schema, '')}export ${isInterface ? `interface ${name} ${type}` : `type ${name} = ${type}`}\n`
}

function isPlainObject(schema: JsonSchema): boolean {
  return ['allOf', 'anyOf', 'oneOf', '$ref', 'enum', 'const'].every((key) => keyword(schema, key) === undefined)
}

const noTypes = 'unknown'

function typeOf(schema: JsonSchema, writer: Writer, indent: string): string {
  if (typeof schema === 'boolean') {
    return schema ? noTypes : 'never'
  }
  const parts: string[] = []
  if (typeof schema.$ref === 'string') {
    parts.push(writer.reference(schema.$ref) ?? noTypes)
  }
  if (schema.const !== undefined) {
    parts.push(literal(schema.const))
  } else if (Array.isArray(schema.enum)) {
    parts.push(union(schema.enum.map(literal)))
  } else {
    parts.push(ownType(schema, writer, indent))
  }
  for (const key of ['anyOf', 'oneOf'] as const) {
    const options = schema[key]
    if (Array.isArray(options)) {
      parts.push(union(options.map((option) => typeOf(option, writer, indent))))
    }
  }
  if (Array.isArray(schema.allOf)) {
    parts.push(...schema.allOf.map((part) => typeOf(part, writer, indent)))
  }
  const known = [...new Set(parts.filter((part) => part !== noTypes))]
  const type = known.length === 0 ? noTypes : known.length === 1 ? known[0]! : known.map(grouped).join(' & ')
  return schema.nullable === true && type !== noTypes ? union([type, 'null']) : type
}

function ownType(schema: { readonly [keyword: string]: unknown }, writer: Writer, indent: string): string {
  const { type } = schema
  if (Array.isArray(type)) {
    return union(type.map((one) => primitiveOr(String(one), schema, writer, indent)))
  }
  if (typeof type === 'string') {
    return primitiveOr(type, schema, writer, indent)
  }
  if (schema.properties !== undefined || schema.additionalProperties !== undefined) {
    return objectType(schema, writer, indent)
  }
  return schema.items !== undefined || schema.prefixItems !== undefined ? arrayType(schema, writer, indent) : noTypes
}

function primitiveOr(
  type: string,
  schema: { readonly [keyword: string]: unknown },
  writer: Writer,
  indent: string,
): string {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
    case 'number':
      return type
    case 'integer':
      return 'number'
    case 'array':
      return arrayType(schema, writer, indent)
    case 'object':
      return objectType(schema, writer, indent)
    default:
      return noTypes
  }
}

function arrayType(schema: { readonly [keyword: string]: unknown }, writer: Writer, indent: string): string {
  const items = (schema.items ?? true) as JsonSchema
  if (Array.isArray(schema.prefixItems)) {
    const first = schema.prefixItems.map((item) => typeOf(item, writer, indent))
    const rest = items === false ? [] : [`...${grouped(typeOf(items, writer, indent))}[]`]
    // Kafka's neighbours are lenient here and so is JSON Schema: a tuple may be shorter than its prefix.
    return `[${[...first.map((one) => `${grouped(one)}?`), ...rest].join(', ')}]`
  }
  return `${grouped(typeOf(items, writer, indent))}[]`
}

function objectType(schema: { readonly [keyword: string]: unknown }, writer: Writer, indent: string): string {
  const properties = Object.entries(objectOf(schema.properties))
  const additional = schema.additionalProperties as JsonSchema | undefined
  const others = additional ?? (schema.patternProperties === undefined ? undefined : true)
  if (properties.length === 0) {
    return additional === false
      ? 'Record<string, never>'
      : `Record<string, ${typeOf(additional ?? true, writer, indent)}>`
  }
  const required = new Set(Array.isArray(schema.required) ? schema.required.map(String) : [])
  const inner = `${indent}  `
  const lines = properties.map(([key, value]) => {
    const property = value as JsonSchema
    return `${schemaComment(property, inner)}${inner}${propertyName(key)}${required.has(key) ? '' : '?'}: ${typeOf(property, writer, inner)}`
  })
  if (others !== undefined && others !== false) {
    // The other properties' type cannot be told apart from the named ones': a reader has to look.
    lines.push(`${inner}[key: string]: unknown`)
  }
  return `{\n${lines.join('\n')}\n${indent}}`
}

const notes = ['format', 'pattern', 'minimum', 'maximum', 'minLength', 'maxLength', 'default'] as const

function schemaComment(schema: JsonSchema, indent: string): string {
  if (typeof schema === 'boolean') {
    return ''
  }
  const lines: string[] = []
  if (typeof schema.description === 'string') {
    lines.push(...schema.description.split('\n'))
  }
  for (const note of notes) {
    if (schema[note] !== undefined) {
      lines.push(`@${note} ${typeof schema[note] === 'string' ? schema[note] : JSON.stringify(schema[note])}`)
    }
  }
  if (schema.deprecated === true) {
    lines.push('@deprecated')
  }
  return docComment(lines, indent)
}

/** A comment of these lines, with a line feed at its end; nothing for none. */
export function docComment(lines: readonly string[], indent: string): string {
  const safe = lines.map((line) => line.replaceAll('*/', '*\\/').trimEnd())
  if (safe.length === 0) {
    return ''
  }
  return safe.length === 1
    ? `${indent}/** ${safe[0]} */\n`
    : `${indent}/**\n${safe.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`
}

export function union(types: readonly string[]): string {
  const unique = [...new Set(types)].filter((type) => type !== 'never')
  if (unique.includes(noTypes)) {
    return noTypes
  }
  return unique.length === 0 ? 'never' : unique.map((type) => (type.includes(' & ') ? `(${type})` : type)).join(' | ')
}

/** In brackets when an operator follows or goes before. */
function grouped(type: string): string {
  return / [|&] /.test(type.replace(/\{[\s\S]*\}/g, '{}').replace(/'(?:[^'\\]|\\.)*'/g, "''")) ? `(${type})` : type
}

function literal(value: unknown): string {
  return typeof value === 'string'
    ? quoted(value)
    : value === null || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : Array.isArray(value)
        ? `[${value.map(literal).join(', ')}]`
        : `{ ${Object.entries(value as object)
            .map(([key, inner]) => `${propertyName(key)}: ${literal(inner)}`)
            .join('; ')} }`
}

export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

export function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

/** `user_created` and `user.events` as names of types; never one that begins with a digit. */
export function pascalCase(text: string): string {
  const name = text
    .split(/[^A-Za-z0-9]+/)
    .filter((part) => part !== '')
    .map((part) => part[0]!.toUpperCase() + part.slice(1))
    .join('')
  return /^[A-Za-z]/.test(name) ? name : `_${name}`
}

function keyword(schema: JsonSchema, name: string): unknown {
  return typeof schema === 'boolean' ? undefined : schema[name]
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
