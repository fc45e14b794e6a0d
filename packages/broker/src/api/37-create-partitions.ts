// CreatePartitions: more partitions for topics that exist (KIP-195). They never become fewer.
//
// Versions: v1 to v3 change nothing that matters here (throttling, flexible, quota errors).
import { errorCodes, type ResponseInput } from '@selfmonitor/protocol'
import { KafkaError, toKafkaError } from '../errors.ts'
import { planPartitions } from '../metadata/index.ts'
import type { ApiHandler } from '../request/handler.ts'

type Answer = NonNullable<ResponseInput<'CreatePartitions'>['results']>[number]

export const handleCreatePartitions: ApiHandler<'CreatePartitions'> = (request, { broker }) =>
  broker.metadata.exclusively(async () => {
    const { metadata } = broker
    const brokerIds = broker.brokers.map(({ brokerId }) => brokerId)
    const results: Answer[] = []
    for (const name of new Set(request.topics.map((topic) => topic.name))) {
      const requested = request.topics.filter((topic) => topic.name === name)
      try {
        if (requested.length > 1) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name.')
        const assignments = planPartitions(requested[0]!, metadata.topic(name), brokerIds)
        if (!request.validateOnly) await metadata.createPartitions(name, assignments)
        results.push({ name, errorCode: errorCodes.NONE, errorMessage: null })
      } catch (error) {
        const { code, message, name: errorName } = toKafkaError(error)
        if (errorName === 'UNKNOWN_SERVER_ERROR') throw error
        results.push({ name, errorCode: code, errorMessage: message })
      }
    }
    return { results }
  })
