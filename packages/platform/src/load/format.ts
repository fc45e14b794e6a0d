// The shape of a platform file: one declaration, from which the validation and the editors' JSON Schema come.
import { z } from 'zod'
import type { PlatformProblem } from '../model.ts'
import { didYouMean } from '../suggest.ts'
import { get, type Position, problemAt, type Tree } from './document.ts'
import { access, owns, users } from './format-access.ts'
import { backup } from './format-backup.ts'
import { drills } from './format-drills.ts'
import { alerting, clusterObjectives, owners, serviceObjectives, topicObjectives } from './format-objectives.ts'

const text = (description: string, error = 'must be text') => z.string({ error }).meta({ description })
const names = (description: string) =>
  z.array(z.string({ error: 'must be text' }), { error: 'must be a list, such as [orders]' }).meta({ description })

const value = z.union([z.string(), z.number(), z.boolean(), z.null()], {
  error: 'must be text, a number, true, false, or null for the broker default',
})

/** What a topic and the defaults of all topics may say. */
const topicSettingsShape = z
  .strictObject(
    {
      description: text('What the topic is for.'),
      owner: text('The team that is responsible for the topic.'),
      partitions: z
        .int({ error: 'must be a whole number' })
        .min(1, { error: 'must be ≥ 1' })
        .max(100_000, { error: 'must be ≤ 100000' })
        .meta({
          description:
            'Number of partitions. It can only grow; adding partitions changes which partition a key maps to.',
        }),
      replication: z
        .int({ error: 'must be a whole number' })
        .min(1, { error: 'must be ≥ 1' })
        .max(32_767, { error: 'must be ≤ 32767' })
        .nullable()
        .meta({ description: 'Number of replicas of each partition; null leaves it to the brokers.' }),
      retention: text(
        'How long records are kept: 7d, 12h, 366 days, or forever.',
        'must be a duration such as 7d (milliseconds: in quotes)',
      ),
      retentionSize: text(
        'How much of each partition is kept: 10GiB, 500MB, or unlimited.',
        'must be a size such as 10GiB (bytes: in quotes)',
      ),
      cleanup: z
        .enum(['delete', 'compact', 'compact,delete', 'delete,compact'], {
          error: "must be 'delete', 'compact' or 'compact,delete'",
        })
        .meta({ description: 'Old records are deleted, or only the newest of each key is kept, or both.' }),
      schema: z.union([z.string(), z.null()], { error: 'must be a file, or null for none' }).meta({
        description: 'File of the values’ schema (.avsc, .json, .proto), beside this file; {topic} is the name.',
      }),
      events: z
        .union([z.string(), z.null()], { error: 'must be a folder, or null for none' })
        .meta({ description: 'Folder with a JSON Schema <event_type>.json for each event type; {topic} is the name.' }),
      compatibility: z
        .enum(['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'], {
          error: 'must be NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, FORWARD_TRANSITIVE, FULL or FULL_TRANSITIVE',
        })
        .meta({ description: 'Which changes of the schema are allowed.' }),
      protect: z
        .boolean({ error: 'must be true or false' })
        .meta({ description: 'Refuse changes that lose records: deletion, and a shorter retention.' }),
      config: z
        .record(z.string(), value, { error: 'must be a map of Kafka topic settings' })
        .meta({ description: 'Kafka topic settings by Kafka’s names; null means the broker default.' }),
      objectives: topicObjectives,
    },
    { error: 'must be a map of topic settings' },
  )
  .partial()

const topic = topicSettingsShape.extend({
  backup: backup
    .meta({ description: 'How the topic is backed up, over `backup` of the environment and of the file.' })
    .optional(),
})

const service = z
  .strictObject(
    {
      description: text('What the service does.'),
      owner: text('The team that is responsible for the service.'),
      produces: names('Topics that the service writes.'),
      consumes: names('Topics that the service reads.'),
      group: text('Its consumer group, if it is not the name of the service.'),
      objectives: serviceObjectives,
    },
    { error: 'must be a map such as { produces: [orders] }' },
  )
  .partial()

const cluster = z
  .strictObject(
    { id: text('Id of the cluster that this file is for; a plan against another one is refused.') },
    { error: 'must be a map such as { id: … }' },
  )
  .partial()

const audit = z
  .strictObject(
    {
      topic: text('Topic of the audit trail.'),
      none: text('The reason for working without a trail. Changes are not recorded, also in production.'),
    },
    { error: 'must be a map: { topic: <name> }, or { none: <reason> } to work without a trail' },
  )
  .partial()

// `topics:` with nothing below it is meant as an empty map.
const mapOf = <T extends z.ZodType>(inner: T, what: string) =>
  z.record(z.string(), inner, { error: `must be a map of ${what}` })

const brokerSetting = z.union([z.string(), z.number(), z.boolean()], { error: 'must be a text, a number or a boolean' })
const topics = mapOf(topic, 'topics by name').meta({ description: 'Topics by name.' })
const services = mapOf(service, 'services by name').meta({ description: 'Services by name.' })
const include = names('Further files with topics, services, users and owners, beside this file.')

/** The sections of an included file. */
export const includedFile = z
  .strictObject({ include, topics, services, users, owners }, { error: 'must be a map' })
  .partial()

export const platformFile = z
  .strictObject(
    {
      version: z.literal(1, { error: 'must be 1, the only version of the format' }),
      include,
      cluster,
      defaults: topicSettingsShape.meta({ description: 'Settings of every topic that does not set its own.' }),
      environments: mapOf(
        z
          .strictObject(
            {
              cluster,
              defaults: topicSettingsShape.meta({ description: 'Override the defaults.' }),
              topics: topics.meta({ description: 'Override settings of topics that are declared below topics.' }),
              access,
              alerting,
              audit: audit.meta({ description: 'In place of `audit` of the file.' }),
              backup: backup.meta({ description: 'Override `backup` of the file.' }),
              broker: mapOf(brokerSetting, 'broker settings').meta({
                description: 'Settings of the brokers that `selfmonitor up` starts, by Kafka’s own names.',
              }),
            },
            { error: 'must be a map' },
          )
          .partial(),
        'environments by name',
      ).meta({ description: 'Differences between production, staging, development, …' }),
      owns,
      protect: names('Patterns of topics that are never deleted and whose retention is never cut.'),
      access,
      topics,
      services,
      users,
      objectives: clusterObjectives,
      owners,
      alerting,
      audit: audit.meta({ description: 'Where commands record what they change; default: the topic audit.events.' }),
      backup: backup.meta({ description: 'How topics are backed up that do not say so themselves.' }),
      drills: drills.meta({ description: 'What a drill checks beside the records themselves.' }),
    },
    { error: 'must be a map with topics, services, …' },
  )
  .partial()

/** The JSON Schema that editors use for completion and checks. */
export function platformJsonSchema(): object {
  const schema = z.toJSONSchema(platformFile, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      // Any value can come from the environment instead.
      const { type, enum: options } = jsonSchema
      if (
        type === 'integer' ||
        type === 'number' ||
        type === 'boolean' ||
        (options !== undefined && type === 'string')
      ) {
        const { description, ...rest } = jsonSchema
        for (const key of Object.keys(jsonSchema)) {
          delete jsonSchema[key]
        }
        Object.assign(jsonSchema, description === undefined ? {} : { description }, {
          anyOf: [rest, { type: 'string', pattern: '\\$\\{.+\\}' }],
        })
      }
    },
  })
  return { ...schema, title: 'SelfMonitor platform file' }
}

/**
 * Every way in which a tree differs from the shape, at its place.
 *
 * @param skip positions whose values are not known (unset environment variables), which are not judged
 */
export function structureProblems(
  tree: Tree,
  shape: typeof platformFile | typeof includedFile,
  skip: ReadonlySet<Tree>,
): PlatformProblem[] {
  // Each shape is used once in a process, and to generate code for it takes longer than to do without.
  const result = shape.safeParse(toValue(tree, shape), { jitless: true })
  if (result.success) {
    return []
  }
  return result.error.issues.flatMap((issue): PlatformProblem[] => {
    const path = issue.path.map(String)
    const found = locate(tree, path)
    if (issue.code === 'unrecognized_keys') {
      const known = keysOf(shapeAt(shape, path))
      return issue.keys.map((key) =>
        problemAt(
          found.node.kind === 'map' ? found.node.entries.get(key)!.key : found.at,
          `unknown key${didYouMean(key, known)}`,
        ),
      )
    }
    if (
      skip.has(found.node) ||
      (found.node.kind === 'scalar' && found.node.value === null && isMapShape(shapeAt(shape, path)))
    ) {
      return []
    }
    return [problemAt(found.at, `${issue.message}${seen(found.node)}`)]
  })
}

/** The plain value; what comes from the environment as text becomes the number or the boolean that belongs there. */
function toValue(tree: Tree, shape: z.core.$ZodType | undefined): unknown {
  switch (tree.kind) {
    case 'map':
      return Object.fromEntries(
        [...tree.entries].map(([key, { value }]) => [key, toValue(value, shapeAt(shape, [key]))]),
      )
    case 'list':
      return tree.items.map((item) => toValue(item, shapeAt(shape, ['0'])))
    case 'scalar': {
      const { value, substituted } = tree
      if (substituted && shape instanceof z.ZodNumber && /^-?\d+$/.test(String(value))) {
        return Number(value)
      }
      return substituted && shape instanceof z.ZodBoolean && /^(true|false)$/.test(String(value))
        ? value === 'true'
        : value
    }
    default:
      return tree satisfies never
  }
}

function seen(node: Tree): string {
  switch (node.kind) {
    case 'scalar':
      return node.source === '' ? '' : `, it is ${node.source}`
    case 'list':
      return ', it is a list'
    case 'map':
      return ', it is a map'
    default:
      return node satisfies never
  }
}

function locate(tree: Tree, path: readonly string[]): { readonly at: Position; readonly node: Tree } {
  let node = tree
  for (const key of path) {
    const next = node.kind === 'list' ? node.items[Number(key)] : get(node, key)
    if (next === undefined) {
      break
    }
    node = next
  }
  return { at: node.at, node }
}

function unwrap(shape: z.core.$ZodType): z.core.$ZodType {
  return shape instanceof z.ZodOptional || shape instanceof z.ZodNullable ? unwrap(shape.unwrap()) : shape
}

function shapeAt(shape: z.core.$ZodType | undefined, path: readonly string[]): z.core.$ZodType | undefined {
  let at = shape === undefined ? undefined : unwrap(shape)
  for (const key of path) {
    if (at instanceof z.ZodObject) {
      at = at.shape[key]
    } else if (at instanceof z.ZodRecord) {
      at = at.valueType
    } else if (at instanceof z.ZodArray) {
      at = at.element
    } else {
      return undefined
    }
    at = at === undefined ? undefined : unwrap(at)
  }
  return at
}

function keysOf(shape: z.core.$ZodType | undefined): string[] {
  return shape instanceof z.ZodObject ? Object.keys(shape.shape) : []
}

function isMapShape(shape: z.core.$ZodType | undefined): boolean {
  return shape instanceof z.ZodObject || shape instanceof z.ZodRecord
}
