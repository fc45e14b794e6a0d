// Why a broker that was running had to stop.

/** Handed to `onFailure` of `BrokerOptions`. */
export class BrokerFailure extends Error {
  /** The data directory was deleted, moved or replaced while the broker ran. */
  readonly code = 'DATA_DIR_GONE'
  readonly dataDir: string

  constructor(dataDir: string) {
    super(
      `the data directory ${dataDir} is gone: it was deleted, moved or replaced while the broker ran. The broker has stopped; ` +
        'records written since then are lost',
    )
    this.name = 'BrokerFailure'
    this.dataDir = dataDir
  }
}
