// The `error_code` of every refusal of a Schema Registry, Confluent's numbers. The first three digits are the HTTP status.
// https://docs.confluent.io/platform/current/schema-registry/develop/api.html#errors

export const registryErrorCodes = {
  unauthorized: 40101,
  denied: 40301,
  subjectNotFound: 40401,
  versionNotFound: 40402,
  schemaNotFound: 40403,
  subjectSoftDeleted: 40404,
  subjectNotSoftDeleted: 40405,
  versionSoftDeleted: 40406,
  versionNotSoftDeleted: 40407,
  noSubjectConfig: 40408,
  noSubjectMode: 40409,
  incompatible: 40901,
  invalidSchema: 42201,
  invalidVersion: 42202,
  invalidLevel: 42203,
  invalidMode: 42204,
  notPermitted: 42205,
  referenceExists: 42206,
  invalidSubject: 42208,
  tooLarge: 42209,
  invalidRuleSet: 42210,
  contextNotEmpty: 42211,
  storeFailed: 50001,
  storeTimeout: 50002,
} as const

export type RegistryErrorName = keyof typeof registryErrorCodes
