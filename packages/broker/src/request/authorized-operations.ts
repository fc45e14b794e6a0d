// The bit fields that answer "what may I do": without an authorizer everything that the kind of resource knows (KIP-430).

/** Kafka's `AclOperation` codes. */
const operation = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const

type Operation = keyof typeof operation

const bits = (...names: readonly Operation[]) => names.reduce((field, name) => field | (1 << operation[name]), 0)

/** The answer when the request did not ask. */
export const operationsNotAsked = -2147483648

export const allTopicOperations = bits(
  'read',
  'write',
  'create',
  'delete',
  'alter',
  'describe',
  'describeConfigs',
  'alterConfigs',
)

export const allClusterOperations = bits(
  'create',
  'alter',
  'describe',
  'clusterAction',
  'describeConfigs',
  'alterConfigs',
  'idempotentWrite',
)

export const allGroupOperations = bits('read', 'delete', 'describe', 'describeConfigs', 'alterConfigs')
