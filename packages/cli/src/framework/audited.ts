// A change to a cluster or a registry, as the audit trail records it.

/** What is changed: plain data, never a password or another secret. */
export interface AuditEntry {
  /** Noun and verb: `topics.delete`. */
  readonly action: string
  readonly resources: readonly AuditedResource[]
  /** What was there, where the command has read it. */
  readonly before?: unknown
  /** What is to be there. */
  readonly after?: unknown
  /** Topics that the change creates: the one of the audit trail may be among them, and is then written to afterwards. */
  readonly createsTopics?: readonly string[]
}

export interface AuditedResource {
  /** `topic`, `group`, `user`, `acl`, `subject`, `quota`, `backup`, … */
  readonly type: string
  readonly name: string
}

/** Given to a change, which may say what it led to. */
export interface ChangeReport {
  /** Replaces `after` of the entry in the record of the outcome, for example when only a part could be done. */
  after(data: unknown): void
  /** The change returns its result and has failed nevertheless, wholly or in part. */
  failed(error: unknown): void
}
