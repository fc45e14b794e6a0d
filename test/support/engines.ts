// Runs a suite once an engine: the embedded broker in this process, and the real Apache Kafka that the whole run shares.
// Topics and groups of other test files are there too: use names of your own.
import { type Broker, startBroker } from '@selfmonitor/broker'
import { afterAll, beforeAll, describe, inject } from 'vitest'

export interface EngineUnderTest {
  readonly name: 'embedded' | 'apache'
  /** Known once the suite's tests run. */
  readonly bootstrapServers: string
  /** The embedded broker itself, for faults and clocks; undefined on Apache Kafka. */
  readonly broker: Broker | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The shared Apache Kafka, or why there is none. */
    apache: { bootstrapServers: string } | { missing: string }
  }
}

/** Declares `body` once for each engine. Where Apache Kafka cannot be had, its suite is skipped and named at the end. */
export function describeEngines(title: string, body: (engine: EngineUnderTest) => void): void {
  describe(`${title} [embedded]`, () => {
    let broker: Broker | undefined
    beforeAll(async () => {
      broker = await startBroker()
    })
    afterAll(async () => {
      await broker?.close()
    })
    body({
      name: 'embedded',
      get bootstrapServers() {
        return broker!.bootstrapServers
      },
      get broker() {
        return broker
      },
    })
  })

  const apache = inject('apache')
  describe.skipIf('missing' in apache)(`${title} [apache]`, () => {
    body({
      name: 'apache',
      get bootstrapServers() {
        return (apache as { bootstrapServers: string }).bootstrapServers
      },
      broker: undefined,
    })
  })
}
