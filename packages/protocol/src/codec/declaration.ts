// The small language in which every message is declared once for all its versions, and the TypeScript types it implies.
//
//   message('HeartbeatRequest', { versions: '0-4', flexible: '4+' }, {
//     groupId: string('0+'),
//     generationId: int32('0+'),
//     memberId: string('0+'),
//     groupInstanceId: string('3+', { nullable: '3+', default: null }),
//   })
//
// Fields are in wire order. The ranges mean what they mean in Kafka's own definitions:
// https://github.com/apache/kafka/blob/trunk/clients/src/main/resources/common/message/README.md
import type { Uuid } from '../types.ts'
import type { VersionRange } from './versions.ts'

/** The type that a primitive is read as. */
interface ReadAs {
  bool: boolean
  int8: number
  int16: number
  uint16: number
  int32: number
  uint32: number
  int64: bigint
  float64: number
  string: string
  uuid: Uuid
  bytes: Buffer
  records: Buffer
}

/** The types from which a primitive may be written. */
interface WriteAs extends Omit<ReadAs, 'records'> {
  records: Buffer | readonly Buffer[]
}

export type PrimitiveType = keyof ReadAs

export interface StructType {
  readonly kind: 'struct'
  readonly fields: Fields
}

export interface ArrayType {
  readonly kind: 'array'
  readonly element: PrimitiveType | StructType
}

export type FieldType = PrimitiveType | StructType | ArrayType

export interface FieldOptions<T = unknown> {
  /** Versions in which the value may be null. */
  readonly nullable?: VersionRange
  /** Makes it a tagged field with this number. */
  readonly tag?: number
  /** Its value where a version does not carry it; by default zero, empty or false. */
  readonly default?: T
  /** Whether a value that a version cannot carry is dropped; by default writing one is an error. */
  readonly ignorable?: boolean
  /** `'none'`: keeps its old encoding in flexible versions (the client id of the request header). */
  readonly flexible?: 'none'
}

declare const types: unique symbol

export interface Field<Read = unknown, Write = unknown> extends FieldOptions {
  readonly type: FieldType
  readonly versions: VersionRange
  /** Exists for the type checker only. */
  readonly [types]?: { readonly read: Read; readonly write: Write }
}

export type Fields = Readonly<Record<string, Field>>

export interface Message<F extends Fields = Fields> {
  readonly name: string
  /** Versions that can be read and written. */
  readonly versions: VersionRange
  /** Versions with compact lengths and tagged fields (KIP-482). */
  readonly flexible: VersionRange
  readonly fields: F
}

type ReadOf<T> = T extends Field<infer Read, unknown> ? Read : never
type WriteOf<T> = T extends Field<unknown, infer Write> ? Write : never
type ReadStruct<F extends Fields> = { -readonly [K in keyof F]: ReadOf<F[K]> }
type WriteStruct<F extends Fields> = { readonly [K in keyof F]?: WriteOf<F[K]> }
type OrNull<T, O> = O extends { readonly nullable: string } ? T | null : T

type Element = PrimitiveType | Fields
type ReadElement<E extends Element> = E extends PrimitiveType ? ReadAs[E] : E extends Fields ? ReadStruct<E> : never
type WriteElement<E extends Element> = E extends PrimitiveType ? WriteAs[E] : E extends Fields ? WriteStruct<E> : never

/** A message as it reads: every field is there. */
export type Decoded<M extends Message> = M extends Message<infer F> ? ReadStruct<F> : never
/** A message as it may be written: an absent field counts as its default. */
export type Encodable<M extends Message> = M extends Message<infer F> ? WriteStruct<F> : never

function primitive<P extends PrimitiveType>(type: P) {
  return <const O extends FieldOptions<ReadAs[P] | null>>(
    versions: VersionRange,
    options?: O,
  ): Field<OrNull<ReadAs[P], O>, OrNull<WriteAs[P], O>> => ({ ...options, type, versions })
}

export const bool = primitive('bool')
export const int8 = primitive('int8')
export const int16 = primitive('int16')
export const uint16 = primitive('uint16')
export const int32 = primitive('int32')
export const uint32 = primitive('uint32')
export const int64 = primitive('int64')
export const float64 = primitive('float64')
export const string = primitive('string')
export const uuid = primitive('uuid')
export const bytes = primitive('bytes')
export const records = primitive('records')

/** A list of primitives (`array('0+', 'int32')`) or of structs (`array('0+', { … })`). */
export function array<const E extends Element, const O extends FieldOptions<null>>(
  versions: VersionRange,
  element: E,
  options?: O,
): Field<OrNull<ReadElement<E>[], O>, OrNull<readonly WriteElement<E>[], O>> {
  const elementType: ArrayType['element'] =
    typeof element === 'string' ? (element as PrimitiveType) : { kind: 'struct', fields: element as Fields }
  return { ...options, type: { kind: 'array', element: elementType }, versions }
}

/** A struct; a nullable one has a marker byte in front (KIP-893). */
export function struct<const F extends Fields, const O extends FieldOptions<null>>(
  versions: VersionRange,
  fields: F,
  options?: O,
): Field<OrNull<ReadStruct<F>, O>, OrNull<WriteStruct<F>, O>> {
  return { ...options, type: { kind: 'struct', fields }, versions }
}

export function message<const F extends Fields>(
  name: string,
  ranges: { readonly versions: VersionRange; readonly flexible: VersionRange },
  fields: F,
): Message<F> {
  return { name, ...ranges, fields }
}
