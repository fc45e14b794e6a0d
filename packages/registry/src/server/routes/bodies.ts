// The bodies of requests.
import { z } from 'zod'
import { errors } from '../../operations/index.ts'
import type { SchemaDefinition } from '../../types.ts'

const reference = z.object({ name: z.string(), subject: z.string(), version: z.number().int() })

export const schemaBody = z.object({
  schema: z.string().nullish(),
  schemaType: z.string().nullish(),
  references: z.array(reference).nullish(),
  id: z.number().int().nullish(),
  version: z.number().int().nullish(),
  metadata: z.unknown().optional(),
  ruleSet: z.unknown().optional(),
})

export const configBody = z.looseObject({
  compatibility: z.string().nullish(),
  normalize: z.boolean().nullish(),
})

export const modeBody = z.object({ mode: z.string().nullish() })

/**
 * The schema in a body.
 * @throws {RegistryRefusal} 42210: data contracts are not kept here, and dropping them silently would lose them
 */
export function definitionOf(body: z.output<typeof schemaBody>): SchemaDefinition {
  if (body.metadata != null || body.ruleSet != null) {
    throw errors.unsupported('metadata and ruleSet (data contracts) are not supported by this registry')
  }
  return {
    schema: body.schema ?? '',
    schemaType: (body.schemaType ?? 'AVRO') as SchemaDefinition['schemaType'],
    references: body.references ?? [],
  }
}
