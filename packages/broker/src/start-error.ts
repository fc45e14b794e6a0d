// Why a broker could not be started, for callers of `startBroker`.

export type BrokerStartErrorCode =
  /** An option is wrong; `message` begins with its name. */
  | 'INVALID_OPTION'
  /** The port is taken. */
  | 'PORT_IN_USE'
  /** Listening on the port or address is not possible or not allowed. */
  | 'CANNOT_LISTEN'
  /** Another process has the data directory. */
  | 'DATA_DIR_LOCKED'
  /** The data directory was written by a newer release. */
  | 'DATA_DIR_NEWER'
  /** The folder holds something that is not a broker's data, or is damaged. */
  | 'DATA_DIR_INVALID'
  /** The volume of the data directory is full. */
  | 'DISK_FULL'

export class BrokerStartError extends Error {
  readonly code: BrokerStartErrorCode
  /** The port that could not be bound. */
  readonly port?: number
  /** The process that holds the data directory. */
  readonly pid?: number
  constructor(
    code: BrokerStartErrorCode,
    message: string,
    about: { port?: number; pid?: number; cause?: unknown } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause })
    this.name = 'BrokerStartError'
    this.code = code
    this.port = about.port
    this.pid = about.pid
  }
}

/** The error of a start that failed because the disk is full; undefined for any other failure. */
export function diskFull(dir: string, error: unknown): BrokerStartError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, path } = cause as NodeJS.ErrnoException
    if (code !== 'ENOSPC' && code !== 'EDQUOT') continue
    const what = code === 'ENOSPC' ? 'the volume is full' : "this user's disk quota is used up"
    return new BrokerStartError(
      'DISK_FULL',
      `cannot write ${path ?? `to the data directory ${dir}`}: ${what}. Free some space there and start again; no data was changed`,
      { cause: error },
    )
  }
  return undefined
}
