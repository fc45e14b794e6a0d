// A record of the audit trail: an event of the platform whose payload has these fields.

/** The event types of our records in the topic of the trail. */
export const eventTypes = { intention: 'change_intended', outcome: 'change_finished' } as const
export type AuditEventType = (typeof eventTypes)[keyof typeof eventTypes]

export const isAuditEventType = (type: string): type is AuditEventType =>
  type === eventTypes.intention || type === eventTypes.outcome

/** Header of our records: their hash, so that a writer finds the ones before it without decoding what lies between. */
export const hashHeader = 'selfmonitor-audit'

/** The version of the payload. */
export const formatVersion = 1

/** What Article 12 of the RTS (EU) 2024/1774 wants to be logged, in its words. */
export type AuditCategory = 'access control' | 'capacity management' | 'change management' | 'ICT operations'

export interface AuditedResource {
  /** `topic`, `group`, `user`, `acl`, `subject`, `quota`, `backup`, … */
  readonly type: string
  readonly name: string
}

export interface AuditWho {
  /** null where a server makes the change for somebody else. */
  readonly os_user: string | null
  /** Who asked a server for the change. Else as the client knows it: the SCRAM or PLAIN account, or the subject of the client certificate. */
  readonly principal: string
  /** Where the command runs in a pod. */
  readonly kubernetes: {
    readonly namespace: string | null
    readonly service_account: string | null
    readonly pod: string
  } | null
}

export interface AuditFrom {
  readonly host: string
  /** The address of the client that asked a server for the change; otherwise this machine's address, towards the brokers. */
  readonly address: string | null
  /** The address that an SSH session comes from. */
  readonly ssh_client: string | null
  readonly process: number
  readonly client_id: string
}

/** The place of an earlier record, and its hash. */
export interface AuditLink {
  readonly hash: string
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** How a record is bound to those before it. */
export interface AuditChain {
  /** One run of a command. */
  readonly writer: string
  /** 0, 1, … within the writer. That of a record which could not be written is not used again. */
  readonly sequence: number
  /** The record before in the writer's own chain, the last that is known to be written; null where there is none. */
  readonly previous: AuditLink | null
  /** The newest records of the trail when this one was written, in the order of the log; null when the account may not read them. */
  readonly seen: readonly AuditLink[] | null
  /** There was no older one than the first of `seen`, back to the beginning of the log. */
  readonly seen_all: boolean
}

export interface AuditOutcome {
  /** `refused`: by the cluster or the registry, because the account may not. */
  readonly status: 'success' | 'failure' | 'refused'
  /** Of the error. */
  readonly code: string | null
  readonly message: string | null
}

/** The payload. */
export interface AuditPayload {
  readonly format: number
  /** The same in the intention and the outcome of a change. */
  readonly change_id: string
  readonly category: AuditCategory
  /** Noun and verb: `topics.delete`. */
  readonly action: string
  readonly resources: readonly AuditedResource[]
  readonly who: AuditWho
  readonly from: AuditFrom
  /** The command line, without payloads and secrets. */
  readonly command: string
  readonly environment: string
  /** The id of the cluster that was changed, and whose trail this is. */
  readonly cluster: string
  /** The addresses by which it was reached. */
  readonly brokers: string
  readonly tool_version: string
  readonly before: unknown
  readonly after: unknown
  /** null in an intention. */
  readonly outcome: AuditOutcome | null
  /** `synchronized` when the system says that its clock follows a time server. */
  readonly clock: 'synchronized' | 'unknown'
  /** Written after the change, which created the topic of the trail. */
  readonly recorded_afterwards: boolean
  readonly chain: AuditChain
  /** SHA-256, in hex, of the record's canonical form without this field. */
  readonly hash: string
}

/** A record, as an event of the platform. */
export interface AuditRecord {
  readonly event_id: string
  readonly event_type: AuditEventType
  /** The principal. */
  readonly user_id: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly data: AuditPayload
}

/** The envelope of the platform's events: the payload is JSON text. */
export interface AuditEnvelope {
  readonly event_id: string
  readonly event_type: string
  readonly user_id: string
  readonly timestamp: number
  readonly data: string
}
