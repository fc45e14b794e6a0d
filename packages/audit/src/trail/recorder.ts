// Records changes: the intention before, the outcome after, so that a crash in between can be seen.
import type { Cluster } from '@selfmonitor/cluster'
import { AuditError } from '../audit-error.ts'
import { categoryOf, plainFacts } from '../record/seal.ts'
import {
  type AuditEnvelope,
  type AuditedResource,
  type AuditOutcome,
  eventTypes,
  formatVersion,
} from '../record/types.ts'
import { type Connection, clockState, fromWhere, whoIs } from './origin.ts'
import { createWriter, type NewRecord, newId, type Writer } from './writer.ts'

/** What is changed: plain data, never a password or another secret. */
export interface AuditEntry {
  /** Noun and verb: `topics.delete`. */
  readonly action: string
  readonly resources: readonly AuditedResource[]
  /** What was there, where the command has read it. */
  readonly before?: unknown
  /** What is to be there. */
  readonly after?: unknown
  /** A server makes the change for somebody else, who is named in the record instead of the server's own account. */
  readonly by?: { readonly principal: string; readonly address: string | null } | undefined
  /** Topics that the change creates: the one of the audit trail may be among them, and is then written to afterwards. */
  readonly createsTopics?: readonly string[]
  /** It builds the platform, of which the trail's topic may only come later: without the topic the change is made, and said not to be recorded. */
  readonly mayPrecedeTrail?: boolean
}

/** Given to a change, which may say what it led to. */
export interface ChangeReport {
  /** Replaces `after` of the entry in the record of the outcome, for example when only a part could be done. */
  after(data: unknown): void
  /** The change returns its result and has failed nevertheless, wholly or in part. */
  failed(error: unknown): void
}

export interface RecorderOptions {
  readonly topic: string
  /** The cluster that has the topic; undefined: no cluster is known, and nothing can be recorded. */
  connect(): Promise<Cluster | undefined>
  encode(envelope: AuditEnvelope): Promise<Buffer>
  /** A change is refused when its intention cannot be written. Otherwise `note` says so, once. */
  readonly isRequired: boolean
  note(line: string): void
  readonly environment: string
  readonly command: string
  readonly toolVersion: string
  readonly connection: Connection
  readonly env: Readonly<Record<string, string | undefined>>
  /** How long one record may take, in milliseconds. */
  readonly timeoutMs: number
  readonly now: () => number
}

/** Changes may run at the same time; their records are written one after the other. */
export interface Recorder {
  /**
   * Records the intention, runs the change, records the outcome.
   * @returns the change's result; its error is thrown on
   * @throws AuditError AUDIT_UNAVAILABLE before the change, where the trail is required and cannot be written; AUDIT_INCOMPLETE after a
   *   change whose outcome could not be written
   */
  audited<Result>(entry: AuditEntry, change: (report: ChangeReport) => Promise<Result>): Promise<Result>
  /** Writes what is left, and closes what it opened. */
  end(): Promise<void>
}

/** A record that waits until its topic exists. */
type Waiting = readonly [intention: NewRecord, outcome: NewRecord]

type Facts = Omit<NewRecord['data'], 'outcome'>

const longestMessage = 500

export function createRecorder(options: RecorderOptions): Recorder {
  const { topic, isRequired, note, now, timeoutMs } = options
  let writer: Writer | undefined
  let opening: Promise<boolean> | undefined
  let hasNoted = false
  const waiting: Waiting[] = []

  const write = async (record: NewRecord): Promise<void> => {
    const giveUp = new AbortController()
    // A record that comes late would have the place of a later one.
    const late = setTimeout(() => giveUp.abort(lateError(timeoutMs, topic)), timeoutMs)
    await writer!.write(record, giveUp.signal).finally(() => clearTimeout(late))
  }

  /** @returns whether the topic exists. @throws ClusterError */
  function open(): Promise<boolean> {
    if (writer !== undefined) return Promise.resolve(true)
    opening ??= openOnce().finally(() => {
      opening = undefined
    })
    return opening
  }

  async function openOnce(): Promise<boolean> {
    const cluster = await options.connect()
    if (cluster === undefined) {
      if (isRequired) throw new Error('no brokers are named')
      return false
    }
    let clusterId: string
    try {
      clusterId = (await cluster.info()).clusterId
      await cluster.describeTopics([topic])
    } catch (error) {
      if ((error as { code?: unknown }).code === 'UNKNOWN_TOPIC_OR_PARTITION') return false
      throw error
    }
    writer = createWriter({ cluster, clusterId, topic, encode: options.encode })
    return true
  }

  /** @returns how the change is recorded. @throws AuditError AUDIT_UNAVAILABLE */
  async function begin(entry: AuditEntry, intention: NewRecord): Promise<'recorded' | 'afterwards' | 'not recorded'> {
    try {
      if (!(await within(timeoutMs, open(), topic))) {
        if (entry.mayPrecedeTrail || entry.createsTopics?.includes(topic)) return 'afterwards'
        if (isRequired) throw noTopic(topic)
        return 'not recorded'
      }
      await flush()
      await write(intention)
      return 'recorded'
    } catch (error) {
      if (error instanceof AuditError) throw error
      if (isRequired) throw unavailable(topic, error)
      if (!hasNoted) note(`Not recorded in ${topic}: ${messageOf(error)}`)
      hasNoted = true
      return 'not recorded'
    }
  }

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      for (const record of waiting[0]!) await write(record)
      waiting.shift()
    }
  }

  async function finish(how: 'recorded' | 'afterwards', records: Waiting, error: unknown): Promise<void> {
    try {
      if (how === 'recorded') return await write(records[1])
      waiting.push(records)
      if (await within(timeoutMs, open(), topic)) await flush()
    } catch (cause) {
      if (how === 'afterwards') return
      const message = `The outcome could not be recorded in ${topic}: ${messageOf(cause)}`
      // The change's own error matters more.
      if (!isRequired || error !== undefined) return note(message)
      throw new AuditError('AUDIT_INCOMPLETE', `The change was made. ${message}`, {
        hint: 'The trail shows it as unfinished: `selfmonitor audit search --outcome unfinished`.',
        cause,
      })
    }
  }

  return {
    async audited(entry, change) {
      const facts = await factsOf(entry, options)
      const intention: NewRecord = { type: eventTypes.intention, atMs: now(), data: { ...facts, outcome: null } }
      const how = await begin(entry, intention)
      let after: unknown = facts.after
      let failure: unknown
      const report: ChangeReport = {
        after: (data) => {
          after = plainFacts(data)
        },
        failed: (error) => {
          failure = error
        },
      }
      let thrown: { readonly error: unknown } | undefined
      const result = await Promise.resolve()
        .then(() => change(report))
        .catch((error: unknown) => {
          thrown = { error }
          failure = error
          return undefined
        })
      if (how !== 'not recorded') {
        const asIt: Partial<Facts> = how === 'afterwards' ? { recorded_afterwards: true } : {}
        const outcome: NewRecord = {
          type: eventTypes.outcome,
          atMs: now(),
          data: { ...facts, ...asIt, after, outcome: outcomeOf(failure) },
        }
        const records: Waiting = [{ ...intention, data: { ...intention.data, ...asIt } }, outcome]
        await finish(how, records, thrown?.error)
      }
      if (thrown !== undefined) throw thrown.error
      return result!
    },
    async end() {
      let why = `this cluster has no topic ${topic}`
      try {
        if (waiting.length > 0 && (await open())) await flush()
      } catch (error) {
        why = messageOf(error)
      }
      if (waiting.length > 0 && isRequired) {
        note(`${waiting.length} ${waiting.length === 1 ? 'change' : 'changes'} could not be recorded: ${why}`)
      }
      await writer?.close()
    },
  }
}

async function factsOf(entry: AuditEntry, options: RecorderOptions): Promise<Facts> {
  const { connection, env, environment, command, toolVersion } = options
  const from = await fromWhere(connection, env)
  return {
    format: formatVersion,
    change_id: newId(),
    category: categoryOf(entry.action),
    action: entry.action,
    resources: entry.resources.map(({ type, name }) => ({ type, name })),
    who: entry.by ? { os_user: null, principal: entry.by.principal, kubernetes: null } : whoIs(connection, env),
    from: { ...from, ...(entry.by ? { address: entry.by.address, ssh_client: null } : {}) },
    command,
    environment,
    brokers: connection.bootstrapServers,
    tool_version: toolVersion,
    before: plainFacts(entry.before),
    after: plainFacts(entry.after),
    clock: clockState(),
    recorded_afterwards: false,
  }
}

/** What became of a change, by its error. */
export function outcomeOf(error: unknown): AuditOutcome {
  if (error === undefined) return { status: 'success', code: null, message: null }
  const chain: { readonly code?: unknown; readonly reason?: unknown }[] = []
  for (let at: unknown = error; at instanceof Error && chain.length < 8; at = at.cause)
    chain.push(at as { code?: unknown })
  const code = chain.map((one) => one.code).find((one): one is string => typeof one === 'string') ?? null
  const isRefused = chain.some(
    ({ code: own, reason }) =>
      reason === 'not-allowed' ||
      (typeof own === 'string' && /AUTHORIZATION_FAILED|AUTHENTICATION_FAILED|POLICY_VIOLATION/.test(own)),
  )
  return {
    status: isRefused ? 'refused' : 'failure',
    code,
    message: messageOf(error).slice(0, longestMessage).toWellFormed(),
  }
}

function noTopic(topic: string): AuditError {
  return new AuditError(
    'AUDIT_UNAVAILABLE',
    `Nothing was changed: this cluster has no topic ${topic} to record it in.`,
    {
      hint: `Declare ${topic} in platform.yaml and apply it: \`selfmonitor setup\`. Or give the reason for working without: ${withoutTrail}`,
    },
  )
}

function unavailable(topic: string, cause: unknown): AuditError {
  return new AuditError(
    'AUDIT_UNAVAILABLE',
    `Nothing was changed: it could not be recorded in ${topic}: ${messageOf(cause)}`,
    {
      hint: `The account needs Write and Describe on ${topic}. In an emergency give the reason for working without: ${withoutTrail}`,
      cause,
    },
  )
}

const withoutTrail = "SELFMONITOR_AUDIT='none: <reason>'"

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const lateError = (timeoutMs: number, topic: string): Error =>
  new Error(`${topic} did not answer within ${timeoutMs / 1000} s`)

/** @throws Error when it takes longer; what was begun goes on, and its result is ignored */
async function within<T>(timeoutMs: number, work: Promise<T>, topic: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(lateError(timeoutMs, topic)), timeoutMs)
  })
  work.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
