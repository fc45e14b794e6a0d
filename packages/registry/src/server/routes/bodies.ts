// The bodies of requests.
import { z } from 'zod'
import { readMetadata, readRuleSet } from '../../contract/index.ts'
import type { TaggedEntity } from '../../formats/index.ts'
import { largestNumber, requireValid } from '../../operations/index.ts'
import type { SchemaDefinition } from '../../types.ts'

/** A text; numbers and booleans are taken for one, as Confluent's registry does. */
const scalar = z.union([z.string(), z.number(), z.boolean()])

/** An id or a version. */
const number = z.number().int().max(largestNumber)

const metadata = z.object({
  tags: z.record(z.string(), z.array(scalar)).nullish(),
  properties: z.record(z.string(), scalar).nullish(),
  sensitive: z.array(scalar).nullish(),
})

const rule = z.object({
  name: scalar.nullish(),
  doc: scalar.nullish(),
  kind: scalar.nullish(),
  mode: scalar.nullish(),
  type: scalar.nullish(),
  tags: z.array(scalar).nullish(),
  params: z.record(z.string(), scalar).nullish(),
  expr: scalar.nullish(),
  onSuccess: scalar.nullish(),
  onFailure: scalar.nullish(),
  disabled: z.boolean().nullish(),
})

const ruleSet = z.object({
  migrationRules: z.array(rule).nullish(),
  domainRules: z.array(rule).nullish(),
  encodingRules: z.array(rule).nullish(),
})

/** The fields of bodies that hold contracts: their numbers are texts, digit by digit. */
export const contractFields = [
  'metadata',
  'ruleSet',
  'defaultMetadata',
  'overrideMetadata',
  'defaultRuleSet',
  'overrideRuleSet',
  'rulesToMerge',
] as const

const reference = z.object({ name: z.string(), subject: z.string(), version: z.number().int() })

const taggedEntity = z.object({
  schemaEntity: z.object({ entityPath: z.string(), entityType: z.enum(['sr_record', 'sr_field']) }),
  tags: z.array(z.string()),
})

export const tagsBody = z.object({
  newVersion: number.nullish(),
  tagsToAdd: z.array(taggedEntity).nullish(),
  tagsToRemove: z.array(taggedEntity).nullish(),
  metadata: metadata.nullish(),
  ruleSet: ruleSet.nullish(),
  rulesToMerge: ruleSet.nullish(),
  rulesToRemove: z.array(z.string()).nullish(),
})

export const schemaBody = z.object({
  schema: z.string().nullish(),
  schemaType: z.string().nullish(),
  references: z.array(reference).nullish(),
  id: number.nullish(),
  version: number.nullish(),
  metadata: metadata.nullish(),
  ruleSet: ruleSet.nullish(),
  schemaTagsToAdd: z.array(taggedEntity).nullish(),
  schemaTagsToRemove: z.array(taggedEntity).nullish(),
  propagateSchemaTags: z.boolean().nullish(),
})

export const configBody = z.object({
  alias: z.string().nullish(),
  normalize: z.boolean().nullish(),
  validateFields: z.boolean().nullish(),
  compatibility: z.string().nullish(),
  compatibilityPolicy: z.enum(['STRICT', 'LENIENT']).nullish(),
  compatibilityGroup: z.string().nullish(),
  defaultMetadata: metadata.nullish(),
  overrideMetadata: metadata.nullish(),
  defaultRuleSet: ruleSet.nullish(),
  overrideRuleSet: ruleSet.nullish(),
})

export const modeBody = z.object({ mode: z.string().nullish() })

/**
 * The schema in a body, with its contract.
 * @throws {RegistryRefusal} 42210: a rule makes no sense
 */
export function definitionOf(body: z.output<typeof schemaBody>): SchemaDefinition {
  const metadata = readMetadata(body.metadata)
  const ruleSet = readRuleSet(body.ruleSet)
  // What comes from another registry, with its id, is kept as it is.
  if (body.id == null || body.id < 0) requireValid(ruleSet)
  return {
    schema: body.schema ?? '',
    schemaType: (body.schemaType ?? 'AVRO') as SchemaDefinition['schemaType'],
    references: body.references ?? [],
    ...(metadata && { metadata }),
    ...(ruleSet && { ruleSet }),
  }
}

/** What a body says about tags. */
export function entitiesOf(sent: z.output<typeof taggedEntity>[] | null | undefined): readonly TaggedEntity[] {
  return (sent ?? []).map(({ schemaEntity: { entityPath, entityType }, tags }) => ({
    path: entityPath,
    type: entityType,
    tags,
  }))
}
