// `@selfmonitor/platform/shapes`: the little of this package that the events library needs, loaded without the rest.
import type { FindShapesOptions, Shapes, TopicFiles } from './load/find-shapes.ts'

export {
  type EnvelopeField,
  envelopeDocs,
  envelopeFields,
  envelopeProblem,
  envelopeSchema,
} from './envelope.ts'
export { PlatformError } from './errors.ts'
export { eachOf } from './live/each.ts'
export type { FindShapesOptions, Shapes, TopicFiles } from './load/find-shapes.ts'
export { type JsonSchemaProblem, jsonSchemaProblems } from './load/json-schema-check.ts'
export { closePayload, declaredProperties, isDraft7, type JsonSchema } from './payload/close.ts'
export { payloadDefinition, payloadSubjectOf } from './payload/subject.ts'

// The parser of YAML is loaded when a file is read.

/** See `find-shapes.ts`. */
export async function findShapes(folder: string, options: FindShapesOptions = {}): Promise<Shapes | null> {
  const files = await import('./load/find-shapes.ts')
  return files.findShapes(folder, options)
}

/** See `find-shapes.ts`. */
export async function findTopicFiles(folder: string, options: FindShapesOptions = {}): Promise<TopicFiles[] | null> {
  const files = await import('./load/find-shapes.ts')
  return files.findTopicFiles(folder, options)
}
