// The value of a field that was not given or that a version does not carry, and how to tell that a value is that one.
import { zeroUuid } from '../types.ts'
import type { Field, Fields, PrimitiveType } from './declaration.ts'

function primitiveDefault(type: PrimitiveType): unknown {
  switch (type) {
    case 'bool':
      return false
    case 'int8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'uint32':
    case 'float64':
      return 0
    case 'int64':
      return 0n
    case 'string':
      return ''
    case 'uuid':
      return zeroUuid
    case 'bytes':
      return emptyBytes
    case 'records':
      return null
    default:
      return type satisfies never
  }
}

const emptyBytes = Buffer.alloc(0)

/** A function that returns the default of a field: a new one each time where it is an object. */
export function defaultOf(field: Field): () => unknown {
  if (field.default !== undefined) return () => field.default
  if (typeof field.type === 'string') {
    const value = primitiveDefault(field.type)
    return () => value
  }
  if (field.type.kind === 'array') return () => []
  const fields = Object.entries(field.type.fields).map(([name, child]) => [name, defaultOf(child)] as const)
  return () => Object.fromEntries(fields.map(([name, value]) => [name, value()]))
}

/** Whether the default is one value that may be shared. */
export function hasSharedDefault(field: Field): boolean {
  return field.default !== undefined || typeof field.type === 'string'
}

export function isDefault(field: Field, value: unknown): boolean {
  if (value === undefined) return true
  if (field.default !== undefined) return value === field.default
  if (value === null) return field.type === 'records'
  if (field.type === 'bytes') return (value as Buffer).length === 0
  if (typeof field.type === 'string') return value === primitiveDefault(field.type)
  if (field.type.kind === 'array') return (value as readonly unknown[]).length === 0
  return isDefaultStruct(field.type.fields, value as Readonly<Record<string, unknown>>)
}

function isDefaultStruct(fields: Fields, value: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(fields).every(([name, field]) => isDefault(field, value[name]))
}
