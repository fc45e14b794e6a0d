// Why a broker could not be started, for those who call `startBroker`.

export type BrokerStartErrorCode =
  /** An option is wrong; `message` begins with its name. */
  | 'INVALID_OPTION'
  /** The port is taken. */
  | 'PORT_IN_USE'
  /** The port or address may not be listened on. */
  | 'CANNOT_LISTEN'
  /** Another process has the data directory. */
  | 'DATA_DIR_LOCKED'
  /** The data directory was written by a newer release. */
  | 'DATA_DIR_NEWER'
  /** The folder holds something that is not a broker's data, or is damaged. */
  | 'DATA_DIR_INVALID'

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
