// @platformatic/kafka, on which everything here above the broker is built.
import { describeEngines } from '../support/engines.ts'
import { playPlatformatic } from './platformatic.ts'
import { itPlays } from './scenarios.ts'

describeEngines('@platformatic/kafka as its users use it', (engine) =>
  itPlays(engine, 'platformatic', playPlatformatic),
)
