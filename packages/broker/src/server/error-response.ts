// An error in the shape of any API's response: for faults, and for handlers that failed.
//
// Most responses repeat lists of the request (topics, partitions, groups) with an error code in each element. The
// table below has the lists and the fields that are copied. A response that repeats no list, or whose request has an empty list, has
// the error in its top-level error code.
import {
  type ApiName,
  apis,
  includes,
  type parseVersions,
  type RequestOf,
  type ResponseInput,
} from '@selfmonitor/protocol'

interface Mirror {
  /** The request's list; the first of these that has elements. */
  readonly from: readonly string[]
  /** Fields copied from the request's element, under the same name. */
  readonly copy?: readonly string[]
  /** The field that takes the request's element itself, where that is a list of plain values. */
  readonly element?: string
  /** The values of fields without data, where they are not zero. */
  readonly set?: Readonly<Record<string, unknown>>
  readonly lists?: Mirrors
}
type Mirrors = Readonly<Record<string, Mirror>>

const resources: Mirror = { from: ['resources'], copy: ['resourceType', 'resourceName'] }
const partitionIndex: Mirrors = { partitions: { from: ['partitions'], copy: ['partitionIndex'] } }

const mirrors: { readonly [N in ApiName]?: Mirrors } = {
  Produce: {
    responses: {
      from: ['topicData'],
      copy: ['name', 'topicId'],
      lists: { partitionResponses: { from: ['partitionData'], copy: ['index'], set: { baseOffset: -1n } } },
    },
  },
  Fetch: {
    responses: {
      from: ['topics'],
      copy: ['topic', 'topicId'],
      lists: { partitions: { from: ['partitions'], copy: ['partition:partitionIndex'], set: { highWatermark: -1n } } },
    },
  },
  ListOffsets: { topics: { from: ['topics'], copy: ['name'], lists: partitionIndex } },
  Metadata: { topics: { from: ['topics'], copy: ['name', 'topicId'] } },
  OffsetCommit: { topics: { from: ['topics'], copy: ['name', 'topicId'], lists: partitionIndex } },
  OffsetFetch: {
    topics: {
      from: ['topics'],
      copy: ['name'],
      lists: {
        partitions: {
          from: ['partitionIndexes'],
          element: 'partitionIndex',
          set: { committedOffset: -1n, metadata: '' },
        },
      },
    },
    groups: { from: ['groups'], copy: ['groupId'] },
  },
  FindCoordinator: { coordinators: { from: ['coordinatorKeys'], element: 'key', set: { nodeId: -1, port: -1 } } },
  LeaveGroup: { members: { from: ['members'], copy: ['memberId', 'groupInstanceId'] } },
  DescribeGroups: { groups: { from: ['groups'], element: 'groupId' } },
  CreateTopics: { topics: { from: ['topics'], copy: ['name'] } },
  DeleteTopics: { responses: { from: ['topics', 'topicNames'], copy: ['name', 'topicId'], element: 'name' } },
  DeleteRecords: { topics: { from: ['topics'], copy: ['name'], lists: partitionIndex } },
  OffsetForLeaderEpoch: {
    topics: { from: ['topics'], copy: ['topic'], lists: { partitions: { from: ['partitions'], copy: ['partition'] } } },
  },
  CreateAcls: { results: { from: ['creations'] } },
  DeleteAcls: { filterResults: { from: ['filters'] } },
  DescribeConfigs: { results: resources },
  AlterConfigs: { responses: resources },
  IncrementalAlterConfigs: { responses: resources },
  CreatePartitions: { results: { from: ['topics'], copy: ['name'] } },
  DeleteGroups: { results: { from: ['groupsNames'], element: 'groupId' } },
  OffsetDelete: { topics: { from: ['topics'], copy: ['name'], lists: partitionIndex } },
  ShareGroupDescribe: { groups: { from: ['groupIds'], element: 'groupId' } },
  DescribeShareGroupOffsets: { groups: { from: ['groups'], copy: ['groupId'] } },
  DescribeTopicPartitions: { topics: { from: ['topics'], copy: ['name'] } },
}

export interface AnsweredError {
  readonly code: number
  readonly message: string
}

interface ResponseField {
  readonly versions: string
  readonly type: unknown
}
type ResponseFields = Readonly<Record<string, ResponseField>>

/**
 * The response that repeats `error` for everything that the request asked for; undefined when this version of the response has no
 * field for an error (DescribeLogDirs before v3).
 */
export function errorResponse<N extends ApiName>(
  name: N,
  version: number,
  request: RequestOf<N>,
  error: AnsweredError,
): ResponseInput<N> | undefined {
  const fields = apis[name].response.fields as unknown as ResponseFields
  const lists = mirrored(mirrors[name] ?? {}, fields, version, request as Values, error)
  const repeatsSomething = Object.values(lists).some((list) => list.length > 0)
  if (repeatsSomething) return lists as ResponseInput<N>
  const topLevel = errorFields(fields, version, error)
  // For an empty list in the request an empty answer is right.
  if (topLevel.errorCode === undefined && Object.keys(lists).length === 0) return undefined
  return { ...lists, ...topLevel } as ResponseInput<N>
}

type Values = Readonly<Record<string, unknown>>

function mirrored(
  lists: Mirrors,
  fields: ResponseFields,
  version: number,
  request: Values,
  error: AnsweredError,
): Record<string, unknown[]> {
  const result: Record<string, unknown[]> = {}
  for (const [listName, mirror] of Object.entries(lists)) {
    const field = fields[listName]
    if (!field || !hasVersion(field, version)) continue
    const source = mirror.from.map((from) => request[from]).find((list) => Array.isArray(list) && list.length > 0)
    const elementFields = (field.type as { element: { fields: ResponseFields } }).element.fields
    result[listName] = ((source ?? []) as unknown[]).map((element) => ({
      ...fieldsOfVersion(mirror.set ?? {}, elementFields, version),
      ...copied(mirror, element),
      ...errorFields(elementFields, version, error),
      ...(mirror.lists && mirrored(mirror.lists, elementFields, version, element as Values, error)),
    }))
  }
  return result
}

function copied(mirror: Mirror, element: unknown): Record<string, unknown> {
  if (typeof element !== 'object' || element === null) return mirror.element ? { [mirror.element]: element } : {}
  const pairs = (mirror.copy ?? []).map((copy) => {
    const [from, to = from] = copy.split(':') as [string, string?]
    return [to, (element as Values)[from]]
  })
  return Object.fromEntries(pairs)
}

function errorFields(fields: ResponseFields, version: number, error: AnsweredError): Record<string, unknown> {
  return fieldsOfVersion({ errorCode: error.code, errorMessage: error.message }, fields, version)
}

function fieldsOfVersion(values: Values, fields: ResponseFields, version: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => fields[name] !== undefined && hasVersion(fields[name], version)),
  )
}

function hasVersion(field: ResponseField, version: number): boolean {
  return includes(field.versions as Parameters<typeof parseVersions>[0], version)
}
