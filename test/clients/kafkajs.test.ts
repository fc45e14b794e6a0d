// kafkajs, written in JavaScript alone.
import { describeEngines } from '../support/engines.ts'
import { playKafkajs } from './kafkajs.ts'
import { itPlays } from './scenarios.ts'

describeEngines('kafkajs as its users use it', (engine) => itPlays(engine, 'kafkajs', playKafkajs))
