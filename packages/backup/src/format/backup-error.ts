export type BackupErrorCode =
  /** The address has no backup, or not the one that was asked for. */
  | 'NO_BACKUP'
  /** What is stored is not what was written: a hash, a length or the form differs. */
  | 'DAMAGED'
  /** A newer version of this program wrote it. */
  | 'NEWER_FORMAT'
  /** It is encrypted, and no identity opens it; or it would no longer be encrypted. */
  | 'SEALED'
  /** Another process wrote at the same time. */
  | 'CONFLICT'
  | 'INVALID_ARGUMENT'
  /** The backup has schemas, and there is no registry to put them into. */
  | 'NO_REGISTRY'
  /** A registry that was not named keeps its schemas in another cluster. */
  | 'OTHER_CLUSTER'
  /** The target has something that must not be changed. */
  | 'TARGET_NOT_EMPTY'
  /** The target's registry has other schemas under the ids or versions of the backup's. */
  | 'SCHEMAS_DIFFER'
  /** A record has the id of a schema that the backup does not have. */
  | 'SCHEMA_UNMAPPED'
  /** It must be said which records carry ids of schemas. */
  | 'SCHEMA_IDS'
  /** What was restored is not what the backup has. */
  | 'NOT_EQUAL'
  /** A drill would restore into the cluster that the backup is of. */
  | 'NOT_SEGREGATED'
  /** A report of a drill has no signature that this key made, or was changed since. */
  | 'NOT_SIGNED'

/** A backup or a restore cannot go on. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: BackupErrorCode
  /** What to do next. */
  readonly hint: string | null

  constructor(code: BackupErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? null
  }
}
