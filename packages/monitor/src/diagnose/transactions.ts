// Open transactions in words: whose one is, and the command that looks at it or ends it.
import type { OpenTransaction } from '../snapshot/types.ts'
import { shellWord } from './words.ts'

/** `producer 7, transactional id billing-0, from offset 50` */
export function producerText({ producerId, transactionalId, isHanging, startOffset }: OpenTransaction): string {
  const who =
    transactionalId !== null
      ? `transactional id ${transactionalId}${isHanging ? ', whose coordinator has no transaction open here' : ''}`
      : isHanging
        ? 'unknown to the transaction coordinators'
        : 'whose transactional id could not be read'
  return `producer ${producerId}, ${who}, from offset ${startOffset}`
}

/** Writes the marker that nothing else will write. Of a transaction that its producer still uses, that would lose a part. */
export function abortCommand(bootstrap: string, { topic, partition, startOffset }: OpenTransaction): string {
  return `kafka-transactions --bootstrap-server ${bootstrap} abort --topic ${shellWord(topic)} --partition ${partition} --start-offset ${startOffset}`
}

export function describeCommand(bootstrap: string, { topic, partition, transactionalId }: OpenTransaction): string {
  const about =
    transactionalId === null
      ? `describe-producers --topic ${shellWord(topic)} --partition ${partition}`
      : `describe --transactional-id ${shellWord(transactionalId)}`
  return `kafka-transactions --bootstrap-server ${bootstrap} ${about}`
}
