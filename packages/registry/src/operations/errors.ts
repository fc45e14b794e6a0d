// The registry's refusals, with Confluent's messages.
import { type RegistryErrorName, registryErrorCodes } from '../error-codes.ts'

/** The largest id and version: 2^31-1, because serialized records have four bytes for an id, which clients read with a sign. */
export const largestNumber = 0x7fffffff

/** A request that is refused. */
export class RegistryRefusal extends Error {
  readonly code = 'REGISTRY_REFUSAL'
  readonly status: number
  readonly errorCode: number

  constructor(status: number, errorCode: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.status = status
    this.errorCode = errorCode
  }
}

/** Makes the refusal of a name, given its message. */
const make = Object.fromEntries(
  Object.entries(registryErrorCodes).map(([name, code]) => [
    name,
    (message: string, cause?: unknown) => new RegistryRefusal(Math.floor(code / 100), code, message, cause),
  ]),
) as Readonly<Record<RegistryErrorName, (message: string, cause?: unknown) => RegistryRefusal>>

export const errors = {
  /** The path names nothing that there could be. */
  noSuchPath: () => new RegistryRefusal(404, 404, 'HTTP 404 Not Found'),
  /**
   * 404, as in a Confluent registry without the feature: its clients ask for associations, and go on where there are none.
   * @param feature a plural
   */
  notSupported: (feature: string, instead: string) =>
    new RegistryRefusal(404, 404, `This registry has no ${feature}: ${instead}`),
  unauthorized: () => make.unauthorized('Unauthorized'),
  denied: make.denied,
  subjectNotFound: (subject: string) => make.subjectNotFound(`Subject '${subject}' not found.`),
  versionNotFound: (version: number | string) => make.versionNotFound(`Version ${version} not found.`),
  contextNotFound: (context: string) => make.subjectNotFound(`Context '${context}' not found.`),
  contextNotEmpty: (context: string) =>
    make.contextNotEmpty(`The context '${context}' is not empty: delete its subjects first, softly, then permanently`),
  schemaNotFound: (id?: number) =>
    make.schemaNotFound(id === undefined ? 'Schema not found' : `Schema ${id} not found`),
  guidNotFound: (guid: string) => make.schemaNotFound(`Schema ${guid} not found`),
  subjectSoftDeleted: (subject: string) =>
    make.subjectSoftDeleted(`Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`),
  subjectNotSoftDeleted: (subject: string) =>
    make.subjectNotSoftDeleted(`Subject '${subject}' was not deleted first before being permanently deleted`),
  versionSoftDeleted: (subject: string, version: number) =>
    make.versionSoftDeleted(
      `Subject '${subject}' Version ${version} was soft deleted.Set permanent=true to delete permanently`,
    ),
  versionNotSoftDeleted: (subject: string, version: number) =>
    make.versionNotSoftDeleted(
      `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`,
    ),
  noSubjectConfig: (subject: string) =>
    make.noSubjectConfig(`Subject '${subject}' does not have subject-level compatibility configured`),
  noSubjectMode: (subject: string) =>
    make.noSubjectMode(`Subject '${subject}' does not have subject-level mode configured`),
  incompatible: (subject: string, details: readonly string[]) =>
    make.incompatible(
      `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${details.join(', ')}]`,
    ),
  invalidSchema: make.invalidSchema,
  emptySchema: () => make.invalidSchema('Empty schema'),
  invalidVersion: (version: string) =>
    make.invalidVersion(
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
    ),
  invalidLevel: () =>
    make.invalidLevel(
      'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive',
    ),
  invalidMode: () =>
    make.invalidMode('Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, IMPORT, FORWARD'),
  notPermitted: make.notPermitted,
  readOnly: (subject: string) => make.notPermitted(`Subject ${subject} is in read-only mode`),
  referenceExists: (subject: string, version: number) =>
    make.referenceExists(
      `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`,
    ),
  idTaken: (id: number) => make.notPermitted(`Overwrite new schema with id ${id} is not permitted.`),
  noVersionLeft: (subject: string) =>
    make.notPermitted(
      `Subject '${subject}' has used up its versions: ${largestNumber} is the largest. Register the schema under another subject`,
    ),
  noIdLeft: (context: string) =>
    make.notPermitted(
      `Context '${context}' has used up its ids: ${largestNumber} is the largest. Register the schema in another context, under a subject ':.name:subject'`,
    ),
  invalidSubject: (subject: string) =>
    make.invalidSubject(`The specified subject '${subject}' is not a valid subject.`),
  tooLarge: make.tooLarge,
  invalidRuleSet: (problem: string) => make.invalidRuleSet(`Invalid rule set: ${problem}`),
  storeFailed: make.storeFailed,
  storeTimeout: make.storeTimeout,
}
